# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Further networks for a bundle, put in so that the bundle can be loaded at every moment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from dp_accel_ros.bundle.folder import MANIFEST_NAME, Bundle, load_bundle, sha256_of
from dp_accel_ros.manifest import manifest_from


def put_section(
    path: str | Path,
    section: str,
    facts: Mapping[str, Any],
    networks: Mapping[str, Path],
    made: Mapping[str, Mapping[str, Any]] | None = None,
) -> Bundle:
    """Put an optional section into a bundle, or another in its place, and return the bundle.

    A file gets a name that no other network has had, and the manifest is replaced in one step: who
    is interrupted leaves the old bundle or the new one, and at worst a file that nobody names.

    Args:
        path: The folder of the bundle.
        section: Key of the manifest.
        facts: What stands under it besides its files.
        networks: Key in the section to the ONNX file that is copied.
        made: How it was made: what is added to, or replaced in, each part of the `provenance`.

    Raises:
        BundleError: The bundle is damaged, or would be with this section.
    """
    folder = load_bundle(path).path
    document = yaml.safe_load((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    before = set(document["files"])
    names = {key: _copied(source, folder, f"{section}_{key}") for key, source in networks.items()}
    files = _without(document["files"], document.pop(section, None) or {})
    files |= {name: sha256_of(folder / name) for name in names.values()}
    document |= {section: {**names, **facts}, "files": dict(sorted(files.items()))}
    if made:
        told = document.setdefault("provenance", {})
        told |= {key: {**told.get(key, {}), **new} for key, new in made.items()}
    manifest_from(document, str(folder / MANIFEST_NAME))  # before the old one is gone
    partial = folder / f"{MANIFEST_NAME}.partial"
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=99)
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, folder / MANIFEST_NAME)
    for name in before - set(files):
        (folder / name).unlink()
    return load_bundle(folder)


def _copied(source: Path, folder: Path, stem: str) -> str:
    name = f"{stem}-{sha256_of(source)[:8]}{source.suffix}"
    partial = folder / f"{name}.partial"
    partial.write_bytes(source.read_bytes())
    os.replace(partial, folder / name)
    return name


def _without(files: Mapping[str, str], section: Mapping[str, Any]) -> dict[str, str]:
    own = {value for value in section.values() if isinstance(value, str)}
    return {name: digest for name, digest in files.items() if name not in own}
