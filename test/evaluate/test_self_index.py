# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A store from the policy's own successes holds what it met and did there, and nothing else."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dp_accel_ros.chunk import ActionChunk, Cost
from dp_accel_ros.errors import DataError
from dp_accel_ros.evaluate.self_index import collect
from dp_accel_ros.predict.policy import Prediction


class EvenSeeds:
    """Succeeds after 5 + seed ticks where the seed is even; the joint shows seed and tick."""

    dt, max_ticks, camera_names = 0.04, 12, ("front",)

    def reset(self, seed):
        self.seed, self.tick = seed, 0

    def step(self, action):
        self.tick += 1

    def images(self):
        return {"front": np.zeros((2, 2, 3), np.uint8)}

    def joint_positions(self):
        return np.array([100.0 * self.seed + self.tick])

    def effector_position(self):
        return self.joint_positions()

    def success(self):
        return self.seed % 2 == 0 and self.tick >= 5 + self.seed

    def score(self):
        return float(self.success())


class JointPolicy:
    """Its condition is the window of joints, its embedding the newest one."""

    manifest = SimpleNamespace(
        n_obs_steps=2, n_action_steps=4, max_action_steps=7, cameras=("front",), state=()
    )

    def condition(self, observations, encoder="policy"):
        joints = np.stack([observation.joints for observation in observations])
        return joints if encoder == "policy" else joints[:, -1]


def predict(observations, previous):
    """Answer with chunks whose actions are 10 * tick + index."""
    chunks = []
    for observation in observations:
        start = 10.0 * round(observation.stamp_ns / 4e7)
        actions = (start + np.arange(7, dtype=np.float32))[:, None]
        chunks.append(
            Prediction(
                ActionChunk(actions, observation.stamp_ns, 0.04), Cost("fake", 1), actions, actions
            )
        )
    return chunks


def collected(n_episodes=3, first_seed=0, n_tasks=2, progress=None):
    tasks = [EvenSeeds() for _ in range(n_tasks)]
    on_batch = (lambda *counts: None) if progress is None else progress
    return collect(JointPolicy(), lambda seeds: predict, tasks, n_episodes, first_seed, on_batch)


def test_only_successes_are_kept_and_every_tick_of_them():
    found = collected()
    assert (found.seeds, found.n_tried) == ((0, 2, 4), 6)
    assert found.arrays.episode_ends.tolist() == [5, 12, 21]


def test_a_key_is_the_condition_that_was_met_there():
    keys = collected().arrays.keys
    assert keys[:3].tolist() == [[0, 0], [0, 1], [1, 2]]
    assert keys[5:7].tolist() == [[200, 200], [200, 201]]


def test_an_embedding_is_that_of_the_newest_frame():
    assert collected().arrays.alt_keys[:3, 0].tolist() == [0, 1, 2]


def test_actions_are_those_of_the_sampled_chunks_one_after_the_other():
    actions = collected().arrays.actions[:, 0]
    assert actions[:5].tolist() == [0, 1, 2, 3, 40]
    assert actions[5:12].tolist() == [0, 1, 2, 3, 40, 41, 42]


def test_it_stops_at_the_number_that_was_wanted():
    assert len(collected(n_episodes=1, n_tasks=4).seeds) == 1


def test_the_order_is_that_of_the_seeds_whoever_finishes_first():
    assert collected(n_episodes=2, n_tasks=4).seeds == (0, 2)


def test_progress_says_successes_and_tries():
    seen = []
    collected(progress=lambda *counts: seen.append(counts))
    assert seen == [(1, 2), (2, 4), (3, 6)]


def test_a_policy_that_always_fails_is_no_expert():
    class Never(EvenSeeds):
        def success(self):
            return False

    with pytest.raises(DataError, match="succeeded in 0 of 22 episodes only"):
        collect(JointPolicy(), lambda seeds: predict, [Never(), Never()], 3, 0, lambda *_: None)
