# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("zarr")
pytest.importorskip("mujoco")

import zarr
from pusht_data import pusht_data
from pusht_toy_recordings import write_toy_recordings

from dp_accel_ros.data.pusht_recordings import pusht_recordings
from dp_accel_ros.errors import DataError
from dp_accel_ros.sim.pusht import PushT


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_toy_recordings(tmp_path / "toy.zarr")


def test_what_was_in_pixels_is_in_metres_and_named_as_by_the_task(path):
    raw, episodes = zarr.open_group(str(path), mode="r"), pusht_recordings(path)
    assert episodes.ends.tolist() == [30, 75, 100]
    np.testing.assert_allclose(
        episodes.rows("joint_position"), raw["data/state"][:, :2] / 1000, atol=1e-7
    )
    np.testing.assert_allclose(episodes.rows("action"), raw["data/action"][:] / 1000, atol=1e-7)
    assert tuple(episodes.attributes["state_names"]) == PushT.state_names
    assert episodes.attributes["cameras"] == []
    assert {array.dtype for array in episodes.arrays.values()} == {np.dtype("float32")}


def test_the_state_is_what_the_simulation_says_of_the_same_pose(path):
    pytest.importorskip("gym_pusht", reason="Push-T needs gym-pusht")
    raw, episodes, task = zarr.open_group(str(path)), pusht_recordings(path), PushT()
    for row in (0, 31, 77, 99):
        task.place(raw["data/state"][row] * np.array([0.001, 0.001, 0.001, 0.001, 1.0]))
        np.testing.assert_allclose(episodes.rows("state")[row], task.state(), atol=1e-6)
        np.testing.assert_allclose(
            episodes.rows("joint_position")[row], task.joint_positions(), atol=1e-6
        )


def test_nothing_is_written(path):
    before = sorted((p, p.stat().st_mtime_ns) for p in path.rglob("*"))
    pusht_recordings(path).rows("state")
    assert sorted((p, p.stat().st_mtime_ns) for p in path.rglob("*")) == before


@pytest.mark.parametrize("key", ["state", "action"])
def test_a_file_of_another_kind_is_refused(path, key):
    del zarr.open_group(str(path))[f"data/{key}"]
    with pytest.raises(DataError, match=rf"`{key}` must be \(100, .\), got none"):
        pusht_recordings(path)


def test_the_human_demonstrations_open_unchanged():
    episodes = pusht_recordings(pusht_data())
    assert (episodes.n_episodes, episodes.n_frames) == (206, 25_650)
    action = episodes.rows("action")
    low, high = (np.array([getattr(j, b) for j in PushT.joints]) for b in ("lower", "upper"))
    assert (action >= low).all()
    assert (action <= high).all()
    # their own keypoints move with the T, so they keep their distances to its corners
    keypoints = zarr.open_group(str(pusht_data()), mode="r")["data/keypoint"][::25] / 1000
    corners = episodes.rows("state")[::25, :16].reshape(-1, 1, 8, 2)
    distances = np.linalg.norm(keypoints[:, :, None] - corners, axis=-1)  # (N, 9, 8)
    assert distances.std(0).max() < 1e-4
