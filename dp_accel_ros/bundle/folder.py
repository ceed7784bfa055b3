# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A bundle: the one folder that a robot loads.

It holds `manifest.yaml`, the networks as ONNX files and the retrieval store as plain `.npy` arrays.
Nothing in it is pickled, and nothing is used before it was checked against everything else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from dp_accel_ros.errors import BundleError
from dp_accel_ros.manifest import FORMAT_VERSION, Manifest, manifest_from

MANIFEST_NAME = "manifest.yaml"


@dataclass(frozen=True, slots=True)
class StoreArrays:
    """The retrieval store as it lies on disk; one row a frame of the demonstrations."""

    actions: NDArray[np.float32]
    """Expert joint targets in raw units, (N, Da)."""

    episode_ends: NDArray[np.int64]
    """Row after the last frame of each episode, rising, (E,)."""

    keys: NDArray[np.float32]
    """Conditions of the policy encoder, flattened, (N, To * C)."""

    alt_keys: NDArray[np.float32]
    """Unit-norm embeddings of the ALT encoder, (N, K)."""

    @property
    def halved(self) -> StoreArrays:
        """These arrays with keys in half precision, as they go to disk."""
        # What an encoder says is off by far more than the thousandth that this costs.
        keys, alt_keys = self.keys.astype(np.float16), self.alt_keys.astype(np.float16)
        return replace(self, keys=keys, alt_keys=alt_keys)


@dataclass(frozen=True, slots=True)
class CalibrationArrays:
    """What held-out episodes say of the store, as it lies on disk."""

    leap_curve: NDArray[np.float32]
    """Key distance, rising, and expected chunk distance, never falling, (2, M)."""

    alt_similarities: NDArray[np.float32]
    """Of every held-out frame to the most similar one of the store, (N,)."""

    episode_ends: NDArray[np.int64]
    """Row after the last frame of each held-out episode, (E,)."""


@dataclass(frozen=True, slots=True)
class KnowledgeArrays:
    """The trajectory knowledge base as it lies on disk."""

    noise: NDArray[np.float32]
    """Where trajectories start, (M, Tp, Da)."""

    conditions: NDArray[np.float32]
    """Under what they were made, flattened, (S, To * C)."""

    states: NDArray[np.floating]
    """What was kept of them, (M, S, number of steps, Tp, Da), in the precision that it has on disk."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle: the manifest, the store, and where the networks are."""

    path: Path
    manifest: Manifest
    store: StoreArrays | None
    """The retrieval store, or None where the bundle has none."""

    calibration: CalibrationArrays | None = None
    """How far the store can be trusted, or None where nobody measured it."""

    knowledge: KnowledgeArrays | None = None
    """The trajectory knowledge base, or None where the bundle has none."""

    def file(self, name: str) -> Path:
        """Return the path of a file that the manifest names."""
        return self.path / name

    def observed_by(self, observe: str) -> Bundle:
        """Return the bundle of the same policy with other senses, see `Manifest.observed_by`."""
        return replace(self, manifest=self.manifest.observed_by(observe))


def load_bundle(path: str | Path) -> Bundle:
    """Return the bundle in a folder after checking manifest, checksums and arrays.

    Raises:
        BundleError: Something is missing, damaged or contradicts the rest; the message names it.
    """
    folder = Path(path)
    manifest_path = folder / MANIFEST_NAME
    if not manifest_path.is_file():
        found = (
            ", ".join(sorted(p.name for p in folder.iterdir())) if folder.is_dir() else "no folder"
        )
        raise BundleError(
            f"{folder}: expected a bundle with {MANIFEST_NAME}, found {found or 'nothing'}"
        )
    try:
        document = yaml.safe_load(manifest_path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BundleError(f"{manifest_path}: not YAML: {error}") from error
    manifest = manifest_from(document, str(manifest_path))
    # Before any of them is opened, so that nothing damaged is ever read as numbers or networks.
    for name, expected in manifest.files.items():
        _verify_file(folder / name, expected)
    return Bundle(
        folder,
        manifest,
        store=_load_store(folder, manifest),
        calibration=_load_calibration(folder, manifest),
        knowledge=_load_knowledge(folder, manifest),
    )


def write_bundle(
    path: str | Path,
    facts: Mapping[str, Any],
    arrays: StoreArrays | None,
    networks: Mapping[str, Path],
) -> Bundle:
    """Write a bundle from its parts and return it as loading finds it.

    Args:
        path: The folder; it is made, and files of the same names are replaced.
        facts: Every key of the manifest except `format_version` and `files`.
        arrays: The retrieval store, keys going to disk in half precision; None for none.
        networks: File name in the bundle to the ONNX file that is copied there.
    """
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    stored = [] if arrays is None else _write_store(folder, facts["retrieval"], arrays)
    for name, source in networks.items():
        if source.resolve() != (folder / name).resolve():
            (folder / name).write_bytes(source.read_bytes())
    files = {name: sha256_of(folder / name) for name in sorted([*stored, *networks])}
    document = {"format_version": FORMAT_VERSION, **facts, "files": files}
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=99)
    # Last, because a folder with a manifest is taken to be whole.
    (folder / MANIFEST_NAME).write_text(text, encoding="utf-8")
    return load_bundle(folder)


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _verify_file(path: Path, expected: str) -> None:
    if not path.is_file():
        raise BundleError(f"{path}: the manifest names this file, but it is not there")
    # What a clone without LFS leaves in its place; that its checksum differs would say less.
    if path.read_bytes()[:40].startswith(b"version https://git-lfs"):
        raise BundleError(f"{path}: this is a Git LFS pointer, not the file; run `git lfs pull`")
    got = sha256_of(path)
    if got != expected:
        raise BundleError(f"{path}: expected sha256 {expected}, got {got}; copy the file again")


def _write_store(folder: Path, names: Mapping[str, Any], arrays: StoreArrays) -> list[str]:
    """Write the arrays of a store and return the names of the files."""
    halved, parts = arrays.halved, [field.name for field in fields(StoreArrays)]
    for part in parts:
        np.save(folder / names[part], getattr(halved, part))
    return [names[part] for part in parts]


def _load_store(folder: Path, manifest: Manifest) -> StoreArrays | None:
    names = manifest.retrieval
    if names is None:
        return None
    ends = _load_array(folder / names.episode_ends, (None,), "i")
    n_rows = int(ends[-1]) if len(ends) else 0
    _verify_ends(folder / names.episode_ends, ends)
    actions = _load_array(folder / names.actions, (n_rows, len(manifest.joints)), "f")
    keys = _load_array(folder / names.keys, (n_rows, manifest.key_dim), "f")
    alt_keys = _load_array(
        folder / names.alt_keys, (n_rows, manifest.alt_encoder.feature_dim), "f"
    )
    return StoreArrays(
        actions=actions.astype(np.float32),
        episode_ends=ends.astype(np.int64),
        keys=keys.astype(np.float32),
        alt_keys=_unit_rows(folder / names.alt_keys, alt_keys.astype(np.float32)),
    )


def _load_calibration(folder: Path, manifest: Manifest) -> CalibrationArrays | None:
    facts = manifest.calibration
    if facts is None:
        return None
    curve = _load_array(folder / facts.leap_curve, (2, None), "f")
    if not curve.size or (np.diff(curve[0]) <= 0).any() or (np.diff(curve[1]) < 0).any():
        rule = "key distances that rise and chunk distances that never fall"
        raise BundleError(f"{folder / facts.leap_curve}: expected {rule}")
    ends = _load_array(folder / facts.episode_ends, (None,), "i")
    _verify_ends(folder / facts.episode_ends, ends)
    similarities = _load_array(folder / facts.alt_similarities, (int(ends[-1]),), "f")
    return CalibrationArrays(
        curve.astype(np.float32), similarities.astype(np.float32), ends.astype(np.int64)
    )


def _load_knowledge(folder: Path, manifest: Manifest) -> KnowledgeArrays | None:
    facts = manifest.knowledge
    if facts is None:
        return None
    chunk = (manifest.horizon, len(manifest.joints))
    noise = _load_array(folder / facts.noise, (None, *chunk), "f")
    conditions = _load_array(folder / facts.conditions, (None, manifest.key_dim), "f")
    shape = (len(noise), len(conditions), len(facts.steps), *chunk)
    states = _load_array(folder / facts.states, shape, "f")
    if not states.size:
        sizes = f"{len(noise)} noises and {len(conditions)} conditions"
        raise BundleError(f"{folder / facts.states}: expected trajectories, got {sizes}")
    return KnowledgeArrays(noise.astype(np.float32), conditions.astype(np.float32), states)


def _load_array(path: Path, shape: tuple[int | None, ...], kind: str) -> NDArray[Any]:
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise BundleError(f"{path}: not a plain .npy array: {error}") from error
    wanted = "x".join("any" if size is None else str(size) for size in shape)
    fits = array.ndim == len(shape) and all(
        size in (None, got) for size, got in zip(shape, array.shape, strict=True)
    )
    if not fits:
        raise BundleError(
            f"{path}: expected shape {wanted}, got {'x'.join(map(str, array.shape))}"
        )
    if array.dtype.kind != kind:
        word = {"f": "floating-point", "i": "integer"}[kind]
        raise BundleError(f"{path}: expected {word} numbers, got {array.dtype}")
    if kind == "f" and not np.isfinite(array).all():
        n_bad = int((~np.isfinite(array)).sum())
        raise BundleError(f"{path}: expected finite numbers, {n_bad} of {array.size} are not")
    return array


def _verify_ends(path: Path, ends: NDArray[np.int64]) -> None:
    if not len(ends):
        raise BundleError(f"{path}: expected at least one episode, got none")
    lengths = np.diff(ends, prepend=0)
    if (lengths <= 0).any():
        at = int(np.argmax(lengths <= 0))
        raise BundleError(f"{path}: episode ends must rise from above 0, entry {at} is {ends[at]}")


def _unit_rows(path: Path, keys: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(keys, axis=1, keepdims=True)
    # Half precision on disk moves a norm by up to 1e-3; more means that these are not embeddings.
    worst = float(np.abs(norms - 1.0).max())
    if worst > 5e-3:
        raise BundleError(f"{path}: expected rows of norm 1, one is off by {worst:.3g}")
    return keys / norms
