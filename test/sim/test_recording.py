# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from dp_accel_ros.errors import DataError, ShapeError
from dp_accel_ros.sim.recording import Recorder, Recording

pytest.importorskip("mujoco")

from dp_accel_ros.sim import TASKS


def recorded(episodes) -> Recording:
    recorder = Recorder()
    for tick, episode in enumerate(episodes):
        recorder.append(
            tick * 10,
            episode=episode,
            success=tick > 2,
            imaged=tick % 2 == 0,
            measured=np.full(8, tick),
            commanded=np.full(8, -tick),
            scene=np.full(3, tick),
        )
    return recorder.recording()


def test_a_recording_comes_back_from_disk_as_it_was(tmp_path):
    recorded([1, 1, 2, 2]).save(tmp_path / "run" / "sim.npz")
    loaded = Recording.load(tmp_path / "run" / "sim.npz")
    assert loaded.stamp_ns.tolist() == [0, 10, 20, 30]
    assert loaded.success.tolist() == [False, False, False, True]
    assert loaded.commanded[3].tolist() == [-3.0] * 8


def test_the_rows_of_one_episode_can_be_taken_out():
    assert recorded([1, 1, 2, 2]).of_episode(2).stamp_ns.tolist() == [20, 30]


def test_nothing_recorded_is_still_a_recording():
    assert recorded([]).stamp_ns.shape == (0,)


def test_a_file_that_is_no_recording_is_refused(tmp_path):
    (tmp_path / "sim.npz").write_bytes(b"not this")
    with pytest.raises(DataError, match="expected the recording of a simulation"):
        Recording.load(tmp_path / "sim.npz")


def test_a_replayed_instant_looks_as_it_did():
    first, second = TASKS["lift"](), TASKS["lift"]()
    first.reset(5)
    first.step(first.joint_positions() + 0.05)
    second.show(first.scene())
    np.testing.assert_array_equal(second.images()["front"], first.images()["front"])
    first.close()
    second.close()


def test_the_scene_of_another_task_is_refused():
    with pytest.raises(ShapeError, match="`scene`: expected"):
        TASKS["lift"]().show(np.zeros(3))
