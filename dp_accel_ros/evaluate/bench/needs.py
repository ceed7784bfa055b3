# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What of a bundle a row needs: how much that is, and whether stored results are still of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from dp_accel_ros.bundle import Bundle
from dp_accel_ros.manifest import Manifest
from dp_accel_ros.manifest.parts import Denoiser, KarrasDenoiser, Part
from dp_accel_ros.predict.methods import MethodConfig
from dp_accel_ros.predict.speculation.drafters import NETWORK_DRAFTERS

SECTIONS = {
    "auto": "calibration",
    "alt": "calibration",
    "consistency": "consistency",
    "heun": "edm",
    "redi": "knowledge",
    **dict.fromkeys(NETWORK_DRAFTERS, "drafter"),
}
"""Name of a method, or value of a setting, to the optional section of the manifest it stands on."""

RETRIEVING = ("ragdp", "retrieved", "recalled", "filtered", "corrected")
"""Names of methods and drafters that search the policy encoder's keys."""

OTHER_SOLVERS = ("heun", "consistency")
"""Solvers with a network of their own in the place of the denoiser."""

ROBOT = {"joints", "cameras", "state", "horizon", "n_obs_steps", "n_action_steps", "dt"}
NETWORKS = {"schedule", "normalization", "encoder", "alt_encoder"}


def needed_files(
    manifest: Manifest, method: str, config: MethodConfig, precision: str, *, scheduled: bool
) -> tuple[str, ...]:
    """Return the names of the files that a method reads, sorted."""
    words, store = words_of(method, config), manifest.retrieval
    files: set[str] = {manifest.alt_encoder.file if method == "alt" else manifest.encoder.file}
    if manifest.estimator is not None and manifest.estimates:
        files |= manifest.estimator.files
    if method != "alt" and not words.intersection(OTHER_SOLVERS):
        files |= _network_files(manifest.denoiser, precision)
    if store is not None and (method == "alt" or words.intersection(RETRIEVING)):
        keys = store.alt_keys if method == "alt" else store.keys
        files |= {store.actions, store.episode_ends, keys}
    for part in _sections(manifest, words, scheduled=scheduled).values():
        if isinstance(part, KarrasDenoiser):
            files |= _network_files(part, precision)
        else:
            files |= getattr(part, "files", set())
    return tuple(sorted(files))


def megabytes(bundle: Bundle, files: tuple[str, ...]) -> float:
    """Return the size of files of a bundle in MB, 1e6 bytes."""
    return sum(bundle.file(name).stat().st_size for name in files) / 1e6


def fingerprint(
    manifest: Manifest, method: str, config: MethodConfig, precision: str, *, scheduled: bool
) -> str:
    """Return a short hash of all that a row's results depend on in a bundle.

    Other parts of the bundle may change without making them those of something else.
    """
    files = needed_files(manifest, method, config, precision, scheduled=scheduled)
    sections = _sections(manifest, words_of(method, config), scheduled=scheduled)
    # Only what the file says: a key that a later release adds must not change what is known.
    facts = {
        "files": [manifest.files[name] for name in files],
        "facts": manifest.model_dump(mode="json", include=ROBOT | NETWORKS, exclude_unset=True),
        "sections": {
            name: part.model_dump(mode="json", exclude_unset=True)
            for name, part in sections.items()
        },
        "retrieval": manifest.retrieval and manifest.retrieval.model_dump(mode="json"),
    }
    text = json.dumps(facts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def words_of(method: str, config: MethodConfig) -> set[str]:
    """Return a method's name with those of its settings that are words."""
    return {method, *(value for value in asdict(config).values() if isinstance(value, str))}


def _network_files(facts: Denoiser, precision: str) -> set[str]:
    """Return the files of a denoising network in a precision; not all come in int8."""
    file = (facts.int8_file if precision == "int8" else None) or facts.file
    return {name for name in (file, facts.conditioner) if name}


def _sections(manifest: Manifest, words: set[str], *, scheduled: bool) -> dict[str, Part]:
    names = {SECTIONS[word] for word in words if word in SECTIONS}
    names |= {"scheduler"} if scheduled else set()
    found = {name: getattr(manifest, name, None) for name in sorted(names)}
    return {name: part for name, part in found.items() if part is not None}
