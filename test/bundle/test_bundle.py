# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A bundle that is damaged in any way is refused, and the message names what is wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from dp_accel_ros.bundle import Bundle, StoreArrays, load_bundle, sha256_of
from dp_accel_ros.errors import BundleError

Damage = Callable[[Path], None]


@pytest.fixture
def folder(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    """A bundle of this test alone."""
    return shutil.copytree(tiny_bundle.path, tmp_path / "bundle")


def edit(change: Callable[[dict[str, Any]], Any]) -> Damage:
    """Return what changes the manifest and leaves the rest alone."""

    def damage(folder: Path) -> None:
        path = folder / "manifest.yaml"
        document = yaml.safe_load(path.read_text())
        change(document)
        path.write_text(yaml.safe_dump(document))

    return damage


def put(*keys_and_value: Any) -> Damage:
    """Return what sets one entry of the manifest, given by its keys."""
    *keys, last, value = keys_and_value

    def change(document: Any) -> None:
        for key in keys:
            document = document[key]
        document[last] = value

    return edit(change)


def array(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Damage:
    """Return what replaces an array, with its checksum, as a wrong export would."""

    def damage(folder: Path) -> None:
        np.save(folder / name, change(np.load(folder / name)))
        put("files", name, sha256_of(folder / name))(folder)

    return damage


def knowledge_array(
    key: str,
    change: Callable[[np.ndarray], np.ndarray],
    **more: Callable[[np.ndarray], np.ndarray],
) -> Damage:
    """Return what replaces arrays of the knowledge base, given by their keys in the manifest."""

    def damage(folder: Path) -> None:
        for one, how in {key: change, **more}.items():
            (name,) = (path.name for path in folder.glob(f"knowledge_{one}-*.npy"))
            array(name, how)(folder)

    return damage


def content(name: str, data: bytes) -> Damage:
    """Return what replaces a file, with its checksum."""

    def damage(folder: Path) -> None:
        (folder / name).write_bytes(data)
        put("files", name, sha256_of(folder / name))(folder)

    return damage


def _pickled(folder: Path) -> None:
    np.save(folder / "actions.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    put("files", "actions.npy", sha256_of(folder / "actions.npy"))(folder)


def _flip_a_byte(folder: Path) -> None:
    data = bytearray((folder / "keys.npy").read_bytes())
    data[-1] ^= 1
    (folder / "keys.npy").write_bytes(data)


def _with(changed: np.ndarray, at: Any, value: float) -> np.ndarray:
    changed[at] = value
    return changed


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"

DAMAGES: dict[str, tuple[Damage, str]] = {
    "no folder": (shutil.rmtree, "expected a bundle with manifest.yaml, found no folder"),
    "no manifest": (
        lambda folder: (folder / "manifest.yaml").unlink(),
        r"expected a bundle with manifest.yaml, found actions.npy, alt_encoder.onnx",
    ),
    "not YAML": (lambda folder: (folder / "manifest.yaml").write_text("a: [b"), "not YAML"),
    "a list": (
        lambda folder: (folder / "manifest.yaml").write_text("- a"),
        "expected a mapping of keys, got list",
    ),
    "newer format": (put("format_version", 2), "`format_version` must be 1 .* got 2"),
    "unknown key": (put("gain", 2.0), "gain: Extra inputs are not permitted"),
    "missing key": (edit(lambda d: d.pop("dt")), "dt: Field required"),
    "zero dt": (put("dt", 0.0), "dt: Input should be greater than 0"),
    "twin joints": (put("joints", 1, "name", "joint1"), "joint 'joint1' is listed twice"),
    "twin cameras": (put("cameras", 1, "name", "front"), "camera 'front' is listed twice"),
    "crossed limits": (
        put("joints", 0, "lower", 3.0),
        r"joints.0: .*`lower` must be below `upper`, got 3.0 and 2.5",
    ),
    "other unit": (put("joints", 0, "unit", "deg"), "joints.0.unit: Input should be 'rad' or 'm'"),
    "flat camera": (put("cameras", 0, "height", 0), "cameras.0.height: .* greater than 0"),
    "short horizon": (put("horizon", 1), "`horizon` 1 is below `n_obs_steps` 2"),
    "long execution": (put("n_action_steps", 16), "`n_action_steps` must be at most 15"),
    "lost statistic": (
        edit(
            lambda d: [d["normalization"]["actions"][key].pop() for key in ("minimum", "maximum")]
        ),
        "normalization.actions has 7 numbers for 8 joints",
    ),
    "NaN statistic": (
        put("normalization", "joints", "minimum", 0, float("nan")),
        "normalization.joints.minimum.0: Input should be a finite number",
    ),
    "crossed statistic": (
        put("normalization", "joints", "minimum", 2, 9.0),
        "`minimum` exceeds `maximum` at 2",
    ),
    "other schedule": (
        put("schedule", "beta_schedule", "linear"),
        "schedule.beta_schedule: Input should be 'squaredcos_cap_v2'",
    ),
    "other condition": (
        put("denoiser", "feature_dim", 11),
        "the denoiser is conditioned on `feature_dim` 11, but the encoder gives 12",
    ),
    "wild threshold": (
        put("retrieval", "alt_threshold", 1.5),
        "retrieval.alt_threshold: Input should be less than or equal to 1",
    ),
    "too few key weights": (
        put("retrieval", "key_scale", [1.0] * 11),
        "the retrieval's `key_scale` have 11 features, but the encoder's `feature_dim` is 12",
    ),
    "no key weight": (
        put("retrieval", "key_scale", [1.0] * 11 + [0.0]),
        "retrieval.key_scale.11: Input should be greater than 0",
    ),
    "file outside": (
        put("encoder", "file", "../encoder.onnx"),
        "must be a plain file name inside the bundle, got '../encoder.onnx'",
    ),
    "no checksum": (
        edit(lambda d: d["files"].pop("keys.npy")),
        "file 'keys.npy' has no sha256 in `files`",
    ),
    "stray checksum": (
        put("files", "old.onnx", "0" * 64),
        "file 'old.onnx' is listed in `files` but nothing uses it",
    ),
    "lost file": (
        lambda folder: (folder / "denoiser.onnx").unlink(),
        "denoiser.onnx: the manifest names this file, but it is not there",
    ),
    "flipped byte": (_flip_a_byte, "keys.npy: expected sha256 .*, got .*; copy the file again"),
    "LFS pointer": (content("denoiser.onnx", LFS), "is a Git LFS pointer, .* `git lfs pull`"),
    "pickle": (_pickled, "actions.npy: not a plain .npy array: Object arrays cannot be loaded"),
    "no array": (content("keys.npy", b"keys"), "keys.npy: not a plain .npy array"),
    "lost rows": (
        array("actions.npy", lambda a: a[:-1]),
        "actions.npy: expected shape 90x8, got 89x8",
    ),
    "other keys": (
        array("keys.npy", lambda a: a[:, :-1]),
        "keys.npy: expected shape 90x24, got 90x23",
    ),
    "other embeddings": (
        array("alt_keys.npy", lambda a: a[:, :-1]),
        "alt_keys.npy: expected shape 90x16, got 90x15",
    ),
    "whole numbers": (
        array("keys.npy", lambda a: a.astype(int)),
        "keys.npy: expected floating-point numbers, got int64",
    ),
    "NaN action": (
        array("actions.npy", lambda a: _with(a, (3, 4), np.nan)),
        "actions.npy: expected finite numbers, 1 of 720 are not",
    ),
    "no episodes": (
        array("episode_ends.npy", lambda a: a[:0]),
        "episode_ends.npy: expected at least one episode, got none",
    ),
    "falling ends": (
        array("episode_ends.npy", lambda a: _with(a, 1, 20)),
        "episode ends must rise from above 0, entry 1 is 20",
    ),
    "fractional ends": (
        array("episode_ends.npy", lambda a: a.astype(np.float32)),
        "episode_ends.npy: expected integer numbers, got float32",
    ),
    "knowledge without states": (
        edit(lambda d: d["knowledge"].pop("states")),
        "knowledge.states: Field required",
    ),
    "other solver": (
        put("knowledge", "solver", "ddpm"),
        "knowledge.solver: Input should be 'ddim', 'dpmpp_2m' or 'heun'",
    ),
    "falling steps": (
        put("knowledge", "steps", [80, 10]),
        r"`steps` must rise within 1 to 99, got \[80, 10\]",
    ),
    "steps past the end": (
        put("knowledge", "steps", [10, 100]),
        r"`steps` must rise within 1 to 99, got \[10, 100\]",
    ),
    "lost residual": (
        edit(lambda d: d["knowledge"]["residuals"].pop()),
        "expected one of `residuals` for each of `steps`, got 1 for 2 steps",
    ),
    "value before key": (
        put("knowledge", "key_step", 80),
        "`key_step` and `value_step` must be of `steps` and rise, got 80 and 80",
    ),
    "unknown features": (
        put("knowledge", "seen", ["joints", "smell"]),
        "knowledge.seen: no features 'smell'; there are state, joints",
    ),
    "too few grouped features": (
        put("encoder", "groups", {"cube": 3, "joints": 8}),
        "the encoder's `groups` have 11 features, but the encoder's `feature_dim` is 12",
    ),
    "lost trajectories": (
        knowledge_array("states", lambda a: a[:, 1:]),
        r"knowledge_states-\w{8}.npy: expected shape 2x18x2x16x8, got 2x17x2x16x8",
    ),
    "no noise": (
        knowledge_array("noise", lambda a: a[:0], states=lambda a: a[:0]),
        "expected trajectories, got 0 noises and 18 conditions",
    ),
    "NaN trajectory": (
        knowledge_array("states", lambda a: _with(a, (0, 1, 0, 2, 3), np.nan)),
        r"knowledge_states-\w{8}.npy: expected finite numbers, 1 of 9216 are not",
    ),
    "other conditions": (
        knowledge_array("conditions", lambda a: a[:, 1:]),
        r"knowledge_conditions-\w{8}.npy: expected shape anyx24, got 18x23",
    ),
    "long embeddings": (
        array("alt_keys.npy", lambda a: 2 * a),
        "alt_keys.npy: expected rows of norm 1, one is off by 1",
    ),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_bundle_is_refused_by_name(folder: Path, damage: Damage, message: str):
    damage(folder)
    with pytest.raises(BundleError, match=message):
        load_bundle(folder)


def test_every_damage_has_a_message_of_its_own():
    messages = [message for _, message in DAMAGES.values()]
    assert len(set(messages)) == len(messages) >= 20


def test_all_wrong_keys_are_named_at_once(folder: Path):
    put("dt", -1.0)(folder)
    put("gain", 2.0)(folder)
    with pytest.raises(BundleError, match=r"(?s)dt: .*gain: "):
        load_bundle(folder)


def test_a_bundle_loads_as_it_was_written(tiny_bundle: Bundle):
    again = load_bundle(tiny_bundle.path)
    assert again.manifest == tiny_bundle.manifest
    np.testing.assert_array_equal(again.store.keys, tiny_bundle.store.keys)


def test_keys_lie_on_disk_in_half_precision_and_a_frame_still_finds_itself():
    rng = np.random.default_rng(0)
    ends = np.array([30, 50], dtype=np.int64)
    keys = rng.normal(size=(50, 6)).astype(np.float32)
    halved = StoreArrays(np.zeros((50, 2), np.float32), ends, keys, keys).halved
    assert (halved.keys.dtype, halved.alt_keys.dtype) == (np.float16, np.float16)
    assert halved.keys.nbytes * 2 == keys.nbytes
    distances = np.linalg.norm(keys[:, None] - halved.keys, axis=2)
    np.testing.assert_array_equal(distances.argmin(axis=1), np.arange(50))
    assert distances.min(axis=1).max() < 2e-3


def test_embeddings_have_norm_1_after_loading_from_half_precision(tiny_bundle: Bundle):
    norms = np.linalg.norm(tiny_bundle.store.alt_keys, axis=1)
    np.testing.assert_allclose(norms, 1.0, atol=1e-6)
