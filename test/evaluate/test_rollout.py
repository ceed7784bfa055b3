# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from dp_accel_ros.chunk import ActionChunk, Cost
from dp_accel_ros.errors import ConfigError, UnknownNameError
from dp_accel_ros.evaluate.rollout import RolloutConfig, batches, run_episodes
from dp_accel_ros.predict.policy import Prediction

CONFIG = RolloutConfig(n_obs_steps=2, n_action_steps=4, max_action_steps=7)


class CountingTask:
    """Succeeds once `seed` ticks have passed; the image and the joint show the tick."""

    name, dt, max_ticks, camera_names = "counting", 0.04, 20, ("front",)
    state_names = ("up", "down", "still")

    def reset(self, seed):
        self.seed, self.tick, self.executed = seed, 0, []

    def step(self, action):
        self.tick += 1
        self.executed.append(float(action[0]))

    def images(self):
        return {"front": np.full((2, 2, 3), self.tick, np.uint8)}

    def joint_positions(self):
        return np.array([-1.0])

    def effector_position(self):
        return self.joint_positions()

    def success(self):
        return self.tick >= self.seed

    def score(self):
        return min(1.0, self.tick / self.seed)

    def state(self):
        return np.array([self.tick, -self.tick, 0.5])


class FakePredict:
    """Answers with chunks that hold 100 * tick + index, and keeps what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, observations, previous):
        self.asked.append((observations, previous))
        return [self.answer(observation) for observation in observations]

    def answer(self, observation):
        tick = round(observation.stamp_ns / 4e7)
        actions = 100.0 * tick + np.arange(7.0, dtype=np.float32)[:, None]
        cost = Cost("fake", nfe=5, retrieval_distance=0.5, ood=tick > 0)
        return Prediction(ActionChunk(actions, observation.stamp_ns, 0.04), cost, actions)


def rolled_out(seeds, config=CONFIG):
    tasks, predict = [CountingTask() for _ in seeds], FakePredict()
    return run_episodes(tasks, seeds, predict, config), tasks, predict


def test_an_episode_ends_at_success_and_one_that_never_succeeds_at_the_limit():
    results, _, _ = rolled_out([6, 99])
    assert [(r.seed, r.success, r.ticks) for r in results] == [(6, True, 6), (99, False, 20)]


def test_every_chunk_is_paid_for_once():
    results, _, _ = rolled_out([6, 99])
    assert [r.nfe for r in results] == [(5,) * 2, (5,) * 5]
    assert results[0].retrieval_distances == (0.5, 0.5)
    assert [r.n_ood for r in results] == [1, 4]


def test_episodes_that_still_run_share_one_batch():
    _, _, predict = rolled_out([6, 99])
    assert [len(observations) for observations, _ in predict.asked] == [2, 2, 1, 1, 1]


def test_the_first_actions_of_every_chunk_are_executed():
    _, (task,), _ = rolled_out([9])
    assert task.executed == [0, 1, 2, 3, 400, 401, 402, 403, 800]


def test_latency_holds_first_and_then_skips_the_actions_that_are_past():
    config = RolloutConfig(n_obs_steps=2, n_action_steps=4, max_action_steps=7, latency_ticks=2)
    _, (task,), _ = rolled_out([9], config)
    assert task.executed == [-1, -1, 2, 3, 4, 5, 402, 403, 404]


def test_a_latency_of_several_chunks_still_finds_the_right_chunk():
    config = RolloutConfig(n_obs_steps=2, n_action_steps=1, max_action_steps=7, latency_ticks=3)
    _, (task,), _ = rolled_out([6], config)
    assert task.executed == [-1, -1, -1, 3, 103, 203]


def test_a_window_holds_the_last_ticks_and_repeats_the_first():
    _, _, predict = rolled_out([9])
    seen = [
        observations[0].images["front"][:, 0, 0, 0].tolist() for observations, _ in predict.asked
    ]
    assert seen == [[0, 0], [3, 4], [7, 8]]


def test_a_policy_without_cameras_sees_the_state_it_names_and_nothing_is_drawn():
    class BlindTask(CountingTask):
        def images(self):
            raise AssertionError("nobody may look")

    predict, config = FakePredict(), replace(CONFIG, with_images=False, state=("still", "up"))
    run_episodes([BlindTask()], [9], predict, config)
    last = predict.asked[-1][0][0]
    assert last.images == {}
    np.testing.assert_array_equal(last.state, np.float32([[0.5, 7], [0.5, 8]]))


def test_a_state_that_the_task_has_not_is_refused():
    with pytest.raises(UnknownNameError, match="no number in the state of task 'counting'"):
        rolled_out([9], replace(CONFIG, state=("sideways",)))


def test_the_score_of_an_episode_is_the_tasks():
    results, _, _ = rolled_out([6, 80])
    assert [r.score for r in results] == [1.0, 0.25]


def test_the_speed_of_a_chunk_is_the_way_of_the_end_effector_over_its_time():
    class MovingTask(CountingTask):
        def effector_position(self):
            return np.array([0.0, 0.01 * self.tick**2])

    (result,) = run_episodes([MovingTask()], [6], FakePredict(), CONFIG)
    assert result.speeds == pytest.approx((0.01 * 16 / 0.16, 0.01 * 20 / 0.08))


def test_chunks_that_are_out_of_distribution_are_executed_unless_they_are_refused():
    config = replace(CONFIG, refuse_ood=True)
    _, (task,), _ = rolled_out([10], config)
    assert task.executed == [0, 1, 2, 3, 4, 5, 6, 6, 6, 6]
    assert rolled_out([10], config)[0][0].n_ood == 2


def test_an_arm_whose_first_chunk_is_refused_holds_where_it_is():
    class NeverKnown(FakePredict):
        def answer(self, observation):
            made = super().answer(observation)
            return replace(made, cost=replace(made.cost, ood=True))

    task = CountingTask()
    run_episodes([task], [5], NeverKnown(), replace(CONFIG, refuse_ood=True))
    assert task.executed == [-1] * 5


def test_a_method_is_told_what_it_gave_before():
    _, _, predict = rolled_out([9])
    stamps = [previous[0] and previous[0].chunk.stamp_ns for _, previous in predict.asked]
    assert stamps == [None, 0, 160_000_000]


def test_more_actions_than_a_chunk_has_are_refused():
    with pytest.raises(ConfigError, match="must be at most 7, the actions of a chunk, got 9"):
        RolloutConfig(n_obs_steps=2, n_action_steps=4, max_action_steps=7, latency_ticks=5)


def test_batches_cover_every_seed_once():
    assert list(batches([1, 2, 3, 4, 5], 2)) == [(1, 2), (3, 4), (5,)]
