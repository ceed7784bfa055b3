# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Other arrays for a part of a bundle, exchanged so that the bundle can be loaded at every moment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from dp_accel_ros.bundle.folder import MANIFEST_NAME, Bundle, load_bundle, sha256_of
from dp_accel_ros.manifest import manifest_from

Section = Mapping[str, Any]


def replace_parts(
    path: str | Path,
    sections: Mapping[str, Section | None],
    arrays: Mapping[str, Mapping[str, NDArray[Any]]],
    provenance: Mapping[str, Any] | None = None,
) -> Bundle:
    """Put other parts into a bundle, or take them out, and return it as loading finds it.

    New arrays get names that no file has had yet, the manifest is replaced in one step, and only
    then do the arrays go that nothing names any more. Who is interrupted leaves the old bundle or
    the new one, and at worst files that the next call removes.

    Args:
        path: The folder of the bundle.
        sections: Key of the manifest to what it shall say besides its arrays; None takes it out.
        arrays: Key of the manifest to that section's arrays by the key that names their file.
        provenance: Further lines for the manifest's `provenance`.

    Raises:
        BundleError: The bundle is damaged, or would be with these parts.
    """
    folder = load_bundle(path).path
    document = yaml.safe_load((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    before = document.pop("files")
    files = dict(before)
    for part, section in sections.items():
        for name in _files_of(document.pop(part, None), files):
            del files[name]
        if section is not None:
            saved = {key: _save(folder, part, key, a) for key, a in arrays.get(part, {}).items()}
            document[part] = {**saved, **section}
            files |= {name: sha256_of(folder / name) for name in saved.values()}
    notes = {**document.pop("provenance", {}), **(provenance or {})}
    document |= {"provenance": notes, "files": dict(sorted(files.items()))}
    manifest_from(document, str(folder / MANIFEST_NAME))  # before the old one is gone
    _write_manifest(folder, document)
    strays = {path.name for part in sections for path in folder.glob(f"{part}_*.npy")}
    for name in (strays | set(before)) - set(files):
        (folder / name).unlink()
    return load_bundle(folder)


def _files_of(section: Section | None, files: Mapping[str, str]) -> list[str]:
    named = (value for value in (section or {}).values() if isinstance(value, str))
    return [name for name in named if name in files]


def _save(folder: Path, part: str, key: str, array: NDArray[Any]) -> str:
    partial = folder / f"{part}_{key}.partial.npy"
    np.save(partial, array)
    name = f"{part}_{key}-{sha256_of(partial)[:8]}.npy"
    os.replace(partial, folder / name)
    return name


def _write_manifest(folder: Path, document: Mapping[str, Any]) -> None:
    partial = folder / f"{MANIFEST_NAME}.partial"
    text = yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=99)
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, folder / MANIFEST_NAME)
