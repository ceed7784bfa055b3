# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""`dp-accel calibrate` writes what held-out episodes say of a store, and methods rest on it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from dp_accel_ros.bundle import Bundle, StoreArrays, load_bundle
from dp_accel_ros.bundle.parts import replace_parts
from dp_accel_ros.cli.main import main
from dp_accel_ros.errors import BundleError, ConfigError, DataError
from dp_accel_ros.predict.assemble import load_policy, make_method
from dp_accel_ros.predict.methods import AltConfig, RagdpConfig
from dp_accel_ros.predict.retrieval.calibration import HeldOut, measured
from dp_accel_ros.predict.retrieval.held_out import NOTHING, nearest_elsewhere

pytest.importorskip("onnxruntime")
pytest.importorskip("rich")
pytest.importorskip("zarr")
tiny = pytest.importorskip("tiny_bundle")

ENDS = [30, 70, 90]  # of the tiny bundle's episodes


@pytest.fixture
def folder(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    """A bundle of this test alone."""
    return shutil.copytree(tiny_bundle.path, tmp_path / "bundle")


@pytest.fixture
def calibrated(folder: Path) -> Path:
    """A bundle of this test alone, calibrated by its own store."""
    assert main(["calibrate", str(folder)]) == 0
    return folder


def recorded(bundle: Bundle, path: Path, lengths=(30, 40, 20), first=0, shift=0.0) -> Path:
    """Record the frames behind the store's rows from `first` on, their actions shifted."""
    from dp_accel_ros.data.episodes import EpisodeWriter

    manifest, row = bundle.manifest, first
    facts = {"joints": list(manifest.joint_names), "cameras": list(manifest.camera_names)}
    writer = EpisodeWriter(path, facts)
    for seed, length in enumerate(lengths):
        seen = [tiny.observation_at(bundle, r) for r in range(row, row + length)]
        images = {
            f"img_{n}": np.stack([one.images[n][-1] for one in seen]) for n in ("front", "wrist")
        }
        actions = bundle.store.actions[row : row + length] + np.float32(shift)
        joints = np.stack([one.joints[-1] for one in seen])
        writer.append({**images, "joint_position": joints, "action": actions}, seed)
        row += length
    return path


def test_the_threshold_is_that_of_the_least_rate_where_there_are_few_episodes(calibrated: Path):
    policy, store = load_policy(calibrated), load_bundle(calibrated).store
    distances = nearest_elsewhere(store.alt_keys, store.episode_ends).distances[:, 0]
    assert policy.calibration.false_alarm_rate == 0.25
    lowest = 1 - distances.max() ** 2 / 2
    assert make_method("alt", policy).threshold == pytest.approx(lowest, abs=1e-6)


def test_a_rate_of_false_alarms_moves_the_threshold_of_alt(calibrated: Path):
    policy = load_policy(calibrated)
    rates = (0.25, 0.5, 0.75)
    found = [
        make_method("alt", policy, AltConfig(false_alarm_rate=rate)).threshold for rate in rates
    ]
    assert found[0] < found[1] < found[2]
    assert make_method("alt", policy, AltConfig(threshold=0.7)).threshold == 0.7


def test_ragdp_leaps_by_the_calibrated_distance(calibrated: Path):
    policy = load_policy(calibrated)
    seen = tiny.observation_at(load_bundle(calibrated), 33)
    leaps = {}
    for tolerance in (0.01, 0.5, 0.99):
        config = RagdpConfig(leap_mode="auto", leap_tolerance=tolerance, solver="ddim")
        method = make_method("ragdp", policy, config)
        leaps[tolerance] = policy.predict(seen, method, np.random.default_rng(0)).cost.leap_ratio
    assert 0 <= leaps[0.01] < leaps[0.5] < leaps[0.99] < 1


def test_recordings_of_the_stores_own_episodes_give_the_stores_own_calibration(
    calibrated: Path, tiny_bundle: Bundle, tmp_path: Path
):
    by_store = load_bundle(calibrated).calibration
    path = recorded(tiny_bundle, tmp_path / "own.zarr")
    assert main(["calibrate", str(calibrated), "--demonstrations", str(path)]) == 0
    bundle = load_bundle(calibrated)
    np.testing.assert_allclose(
        bundle.calibration.alt_similarities, by_store.alt_similarities, atol=2e-3
    )
    # half precision of the stored keys decides between neighbours that are equally near
    np.testing.assert_allclose(bundle.calibration.leap_curve, by_store.leap_curve, rtol=0.03)
    assert bundle.manifest.provenance["calibration"]["of the store, each left out in turn"] == 3


def test_new_recordings_are_looked_up_in_the_whole_store(
    calibrated: Path, tiny_bundle: Bundle, tmp_path: Path
):
    path = recorded(tiny_bundle, tmp_path / "new.zarr", (10, 15), first=5, shift=0.01)
    assert main(["calibrate", str(calibrated), "--demonstrations", str(path)]) == 0
    bundle = load_bundle(calibrated)
    # They look like frames of the store, so each finds its like.
    assert bundle.calibration.alt_similarities.min() > 0.999
    assert bundle.calibration.episode_ends.tolist() == [10, 25]
    assert bundle.manifest.provenance["calibration"]["of the store, each left out in turn"] == 0


def test_recordings_of_another_arm_are_refused(
    folder: Path, tiny_bundle: Bundle, tmp_path: Path, capsys
):
    from dp_accel_ros.data.episodes import Episodes, EpisodeWriter
    from dp_accel_ros.evaluate.held_out_frames import encoded_frames

    rows = {"action": np.zeros((3, 8), np.float32)}
    EpisodeWriter(tmp_path / "blind.zarr", {}).append(rows, 0)
    assert main(["calibrate", str(folder), "--demonstrations", str(tmp_path / "blind.zarr")]) == 2
    assert "expected frames of camera 'front'" in capsys.readouterr().err
    EpisodeWriter(tmp_path / "other.zarr", {"joints": ["hip", "knee"]}).append(rows, 0)
    with pytest.raises(DataError, match=r"expected joints joint1, .* got hip, knee"):
        encoded_frames(load_policy(folder), Episodes.open(tmp_path / "other.zarr"))


def test_a_calibration_says_nothing_of_another_store(calibrated: Path, tiny_bundle: Bundle):
    arrays, facts = tiny_bundle.store, tiny_bundle.manifest.retrieval
    others = {
        "actions": arrays.actions,
        "episode_ends": arrays.episode_ends,
        "keys": arrays.keys + 1,
        "alt_keys": arrays.alt_keys,
    }
    section = {"alt_threshold": facts.alt_threshold}
    replace_parts(calibrated, {"retrieval": section}, {"retrieval": others})
    policy = load_policy(calibrated)
    assert policy.calibration is None
    assert make_method("alt", policy).threshold == facts.alt_threshold


@pytest.mark.parametrize(
    ("name", "config", "setting"),
    [
        ("ragdp", RagdpConfig(leap_mode="auto"), "leap_mode"),
        ("alt", AltConfig(false_alarm_rate=0.05), "false_alarm_rate"),
    ],
)
def test_what_rests_on_a_calibration_is_refused_without_one(tiny_policy, name, config, setting):
    with pytest.raises(ConfigError, match=f"`{setting}` needs a bundle whose `calibration`"):
        make_method(name, tiny_policy, config)


def test_a_rate_that_so_few_episodes_cannot_promise_is_refused(folder: Path, capsys):
    assert main(["calibrate", str(folder), "--false-alarm-rate", "0.01"]) == 2
    assert "must be at least 0.25, which is 1 / (3 episodes + 1)" in capsys.readouterr().err


def test_a_bundle_without_a_store_has_nothing_to_calibrate(folder: Path, capsys):
    replace_parts(folder, {"retrieval": None}, {})
    assert main(["calibrate", str(folder)]) == 2
    assert "a calibration is that of a retrieval store" in capsys.readouterr().err


def test_a_curve_that_falls_is_a_damaged_bundle(calibrated: Path):
    facts, arrays = (
        load_bundle(calibrated).manifest.calibration,
        load_bundle(calibrated).calibration,
    )
    files = {
        "leap_curve": arrays.leap_curve[:, ::-1],
        "alt_similarities": arrays.alt_similarities,
        "episode_ends": arrays.episode_ends,
    }
    section = {"of": facts.of, "false_alarm_rate": facts.false_alarm_rate}
    with pytest.raises(
        BundleError, match="key distances that rise and chunk distances that never"
    ):
        replace_parts(calibrated, {"calibration": section}, {"calibration": files})


def _rows(tiny_bundle: Bundle, start: int, end: int, shift: float = 0.0) -> StoreArrays:
    a = tiny_bundle.store
    rows = slice(start, end)
    actions = a.actions[rows] + np.float32(shift)
    return StoreArrays(actions, np.array([end - start]), a.keys[rows], a.alt_keys[rows])


def test_an_episode_is_known_by_its_actions(tiny_bundle: Bundle):
    store = tiny_bundle.store
    assert HeldOut.of(_rows(tiny_bundle, 30, 70), store).left_out == (slice(30, 70),)
    assert HeldOut.of(_rows(tiny_bundle, 30, 70, 0.1), store).left_out == (NOTHING,)
    assert HeldOut.of(store, store).n_known == 3


def test_one_episode_alone_says_nothing_of_itself(tiny_bundle: Bundle):
    alone = _rows(tiny_bundle, 0, 30)
    with pytest.raises(ConfigError, match="expected 2 or more episodes of which to leave one out"):
        measured(alone, HeldOut.of(alone, alone), tiny_bundle.manifest)


def test_the_curve_finds_the_factor_between_distances_of_keys_and_of_chunks(
    tiny_bundle: Bundle,
):
    """Episodes that hold still somewhere: the key is the place, and the chunk is full of it."""
    manifest, n = tiny_bundle.manifest, 300
    places = np.random.default_rng(0).uniform(-1, 1, (n, 1)).astype(np.float32)
    bounds = manifest.normalization.actions
    low, high = np.array(bounds.minimum), np.array(bounds.maximum)
    actions = (low + (places + 1) / 2 * (high - low)).astype(np.float32)
    alt_keys = np.eye(1, 4, dtype=np.float32).repeat(n, axis=0)
    store = StoreArrays(actions, np.arange(1, n + 1), places, alt_keys)
    edges, distances = measured(store, HeldOut.of(store, store), manifest).arrays.leap_curve
    factor = (manifest.horizon * len(manifest.joints)) ** 0.5
    # The narrow bins in the middle, where the largest key distance is hardly above the mean.
    np.testing.assert_allclose(distances[8:-3], factor * edges[8:-3], rtol=0.1)


def test_check_bundle_says_whether_a_calibration_is_that_of_the_store(
    calibrated: Path, tiny_bundle: Bundle, capsys
):
    assert main(["check-bundle", str(calibrated)]) == 0
    assert "3 held-out episodes" in capsys.readouterr().out
    arrays = tiny_bundle.store
    others = {name: getattr(arrays, name) for name in ("actions", "episode_ends", "alt_keys")}
    stored = {"retrieval": {**others, "keys": arrays.keys + 1}}
    replace_parts(calibrated, {"retrieval": {"alt_threshold": 0.8}}, stored)
    assert main(["check-bundle", str(calibrated)]) == 0
    assert "of another store" in capsys.readouterr().out
