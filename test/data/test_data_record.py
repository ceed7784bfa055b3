# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("zarr")
pytest.importorskip("mujoco")

from dp_accel_ros.data.episodes import Episodes, EpisodeWriter
from dp_accel_ros.data.record import Exploration, demonstration, facts_of, record
from dp_accel_ros.errors import DataError


class ToyTask:
    """One joint and a gripper; solved where the joint was commanded beyond 0.5."""

    name, dt, max_ticks = "toy", 0.04, 30
    joints = (SimpleNamespace(name="joint"), SimpleNamespace(name="finger"))
    camera_names, state_names = ("front",), ("goal",)

    def reset(self, seed: int) -> None:
        self.seed, self.at, self.executed = seed, np.zeros(2), []

    def step(self, action: np.ndarray) -> None:
        self.at = np.array(action, dtype=float)
        self.executed.append(self.at)

    def joint_positions(self) -> np.ndarray:
        return self.at.copy()

    def joint_velocities(self) -> np.ndarray:
        return np.zeros(2)

    def state(self) -> np.ndarray:
        return np.array([self.seed])

    def images(self) -> dict[str, np.ndarray]:
        return {"front": np.full((4, 4, 3), len(self.executed), np.uint8)}

    def success(self) -> bool:
        return bool(self.at[0] > 0.5)


class BlindTask(ToyTask):
    """It cannot draw."""

    def images(self) -> dict[str, np.ndarray]:
        raise AssertionError("nobody may look")


class ToyExpert:
    """Walks to 1 in steps of 0.1, except on seeds that it cannot solve."""

    def __init__(self, bad_seeds: tuple[int, ...] = ()) -> None:
        self.bad_seeds = bad_seeds

    def reset(self, task: ToyTask, rng: np.random.Generator) -> None:
        self.goal, self.now = (0.1 if task.seed in self.bad_seeds else 1.0), 0.0

    def act(self, task: ToyTask) -> np.ndarray:
        self.now = min(self.goal, self.now + 0.1)
        return np.array([self.now, 0.04])

    def done(self, task: ToyTask) -> bool:
        return self.now >= self.goal


def test_exploration_moves_the_arm_but_not_the_recorded_action():
    task = ToyTask()
    found = demonstration(task, ToyExpert(), 3, Exploration(sigma_rad=0.01))
    clean = np.minimum(1.0, 0.1 * np.arange(1, len(found["action"]) + 1))
    executed = np.stack(task.executed)
    assert np.allclose(found["action"][:, 0], clean)
    assert 0.001 < np.abs(executed[:, 0] - clean).max() < 0.05
    assert np.array_equal(executed[:, 1], np.full(len(clean), 0.04))


def test_a_row_holds_what_was_seen_before_its_action():
    found = demonstration(ToyTask(), ToyExpert(), 3, Exploration(sigma_rad=0.0))
    assert found["img_front"][:, 0, 0, 0].tolist() == list(range(len(found["action"])))
    assert np.allclose(found["joint_position"][1:], found["action"][:-1])


def test_only_successes_are_recorded_and_their_seeds_kept(tmp_path: Path):
    writer = EpisodeWriter(tmp_path / "toy.zarr")
    results = list(record(ToyTask(), ToyExpert(bad_seeds=(1,)), writer, 3))
    assert [(r.seed, r.succeeded) for r in results] == [(0, 1), (1, 0), (2, 1), (3, 1)]
    episodes = Episodes.open(tmp_path / "toy.zarr")
    assert episodes.rows("state")[episodes.starts, 0].tolist() == [0, 2, 3]


def test_recording_resumes_at_the_next_seed(tmp_path: Path):
    for n_episodes in (2, 4):
        writer = EpisodeWriter(tmp_path / "toy.zarr")
        results = list(record(ToyTask(), ToyExpert(), writer, n_episodes))
    assert [r.seed for r in results] == [2, 3]


def test_without_images_nothing_is_drawn_and_the_rest_is_the_same():
    seen = demonstration(ToyTask(), ToyExpert(), 3, Exploration())
    blind = demonstration(BlindTask(), ToyExpert(), 3, Exploration(), with_images=False)
    assert set(seen) - set(blind) == {"img_front"}
    assert all(np.array_equal(blind[key], seen[key]) for key in blind)


def test_a_file_without_images_names_no_cameras():
    assert facts_of(ToyTask(), with_images=False)["cameras"] == []
    assert facts_of(ToyTask())["cameras"] == ["front"]


def test_an_expert_that_always_fails_stops_the_recording(tmp_path: Path):
    expert = ToyExpert(bad_seeds=tuple(range(100)))
    with pytest.raises(DataError, match="the expert failed on 11 of the seeds up to 10"):
        list(record(ToyTask(), expert, EpisodeWriter(tmp_path / "toy.zarr"), 1))
