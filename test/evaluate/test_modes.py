# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Counting the ways to a goal: a policy that lost one is found out, one that kept all is not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("mujoco")

from dp_accel_ros.chunk import ActionChunk, Cost
from dp_accel_ros.errors import ShapeError
from dp_accel_ros.evaluate.bench.modes.by_task import DELIVERIES, first_delivery
from dp_accel_ros.evaluate.bench.modes.counts import (
    ModeCounts,
    chi_square,
    same_frequencies_p,
    shown_modes,
)
from dp_accel_ros.evaluate.rollout import RolloutConfig
from dp_accel_ros.predict.policy import Prediction
from dp_accel_ros.sim.arm_task import ArmTask
from dp_accel_ros.sim.block_push import BlockPush
from dp_accel_ros.sim.experts.block_push import BlockPushExpert

CONFIG = RolloutConfig(n_obs_steps=1, n_action_steps=4, max_action_steps=4, with_images=False)
NAMES = ("left", "middle", "right")
ENDS = (-1.0, 0.0, 1.0)
LAW = (0.55, 0.3, 0.15)
N = 200


class Fork:
    """A point that can walk to three places; the seed says where it starts."""

    name, dt, max_ticks, state_names = "fork", 0.04, 24, ("x", "y")

    def reset(self, seed):
        self.at = np.array([0.01 * seed, 0.0])

    def step(self, action):
        self.at = self.at + 0.3 * (np.asarray(action) - self.at)

    def joint_positions(self):
        return self.at.copy()

    def effector_position(self):
        return self.at.copy()

    def state(self):
        return self.at.copy()

    def success(self):
        return False

    def score(self):
        return 0.0


def arrived(state):
    """Return where the point is once it has walked all the way."""
    if state["y"] < 0.8:
        return None
    return NAMES[int(np.argmin([abs(state["x"] - end) for end in ENDS]))]


class Walker:
    """Draws an end by known weights in its first chunk, and then goes there."""

    def __init__(self, weights, seed, reach=1.0):
        self.weights, self.rng, self.reach = weights, np.random.default_rng(seed), reach

    def __call__(self, observations, previous):
        return [self.answer(*pair) for pair in zip(observations, previous, strict=True)]

    def answer(self, observation, before):
        end = self.rng.choice(ENDS, p=self.weights) if before is None else before.normalised[0, 0]
        actions = np.tile(np.float32([end, self.reach]), (4, 1))
        return Prediction(
            ActionChunk(actions, observation.stamp_ns, 0.04), Cost("walk", 1), actions
        )


def counts_of(weights, seed, starts=(1, 2)):
    """Return the ways of a policy with these weights, N from every start."""
    walker = Walker(weights, seed)
    tasks = [Fork() for _ in range(N)]
    shown = [shown_modes(tasks, start, walker, CONFIG, arrived) for start in starts]
    return ModeCounts.of(shown, NAMES)


@pytest.fixture(scope="module")
def base():
    return counts_of(LAW, seed=0)


def p_of(weights, base, seed=1):
    return same_frequencies_p(counts_of(weights, seed), base, np.random.default_rng(2))


def test_every_way_is_counted_as_often_as_it_is_taken(base):
    assert base.counts.sum(axis=1).tolist() == [N, N]
    np.testing.assert_allclose(base.shares, LAW, atol=4 * np.sqrt(0.25 / (2 * N)))


def test_a_policy_that_lost_a_way_is_found_out(base):
    assert p_of((1.0, 0.0, 0.0), base) == pytest.approx(1e-4)
    assert p_of((0.65, 0.35, 0.0), base) < 1e-3
    assert counts_of((1.0, 0.0, 0.0), seed=1).effective == 1.0


def test_a_policy_that_takes_each_as_often_is_not(base):
    assert min(p_of(LAW, base, seed) for seed in range(3, 8)) > 0.01


def test_frequencies_that_cancel_over_the_starts_are_still_found_out():
    one, other = (ModeCounts(np.array(c)) for c in ([[40, 0], [0, 40]], [[0, 40], [40, 0]]))
    assert one.shares.tolist() == other.shares.tolist()
    assert same_frequencies_p(one, other, np.random.default_rng(0)) == pytest.approx(1e-4)
    assert one.effective == 1.0


def test_equal_laws_are_refused_as_often_as_the_level_says():
    rng, n = np.random.default_rng(3), 80
    drawn = rng.multinomial(20, (0.7, 0.2, 0.07, 0.03), size=(n, 2, 2))  # few of the rare ways
    pairs = [(ModeCounts(pair[0]), ModeCounts(pair[1])) for pair in drawn]
    refused = np.mean([same_frequencies_p(*pair, rng) <= 0.05 for pair in pairs])
    assert refused <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / n)


def test_the_statistic_is_pearsons_summed_over_starts():
    one, other = np.array([[30, 10], [25, 15]]), np.array([[20, 20], [5, 35]])
    pearson = [
        stats.chi2_contingency(pair, correction=False).statistic
        for pair in zip(one, other, strict=True)
    ]
    assert pearson[0] == pytest.approx(16 / 3)
    assert chi_square(ModeCounts(one), ModeCounts(other)) == pytest.approx(sum(pearson))


def test_a_dealt_p_agrees_with_the_table_where_counts_are_large():
    one, other = ModeCounts(np.array([[300, 180, 120]])), ModeCounts(np.array([[260, 200, 140]]))
    pair = np.stack([one.counts[0], other.counts[0]])
    table = stats.chi2_contingency(pair).pvalue
    p = same_frequencies_p(one, other, np.random.default_rng(4))
    assert p == pytest.approx(table, abs=4 * np.sqrt(0.25 / 9999))


def test_ways_that_nobody_took_and_starts_without_any_change_nothing():
    one, other = np.array([[30, 10]]), np.array([[20, 20]])
    padded = [np.array([[*c[0], 0], [0, 0, 0]]) for c in (one, other)]
    assert chi_square(*map(ModeCounts, padded)) == pytest.approx(
        chi_square(ModeCounts(one), ModeCounts(other))
    )
    assert ModeCounts(padded[1]).effective == pytest.approx(2.0)


def test_an_episode_that_gets_nowhere_shows_nothing_and_counts_for_nothing():
    lazy = Walker(LAW, 0, reach=0.5)
    shown = shown_modes([Fork(), Fork()], 1, lazy, CONFIG, arrived)
    assert shown == [None, None]
    assert np.isnan(ModeCounts.of([shown], NAMES).shares).all()


def test_counts_of_other_ways_are_not_compared():
    with pytest.raises(ShapeError, match="counts of `other`"):
        chi_square(ModeCounts(np.ones((1, 2), int)), ModeCounts(np.ones((1, 3), int)))


def test_the_first_block_that_is_in_a_zone_tells_the_way_of_block_push():
    names = BlockPush().state_names
    away = dict(zip(names, 9.0 * np.arange(len(names)), strict=True))
    assert first_delivery(away) is None
    inside = {"orange_block_x": away["left_zone_x"] + 0.03, "orange_block_y": away["left_zone_y"]}
    assert first_delivery(away | inside) == "orange left"
    assert first_delivery(away | inside | {"orange_block_x": away["left_zone_x"] + 0.04}) is None
    assert len(set(DELIVERIES)) == 4


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_the_expert_of_block_push_drew_is_what_is_counted(seed):
    task, expert = ArmTask(BlockPush()), BlockPushExpert()
    task.reset(7)
    expert.reset(task, np.random.default_rng(seed))
    block, zone = expert._errands[0]
    way = None
    while way is None and task.time_s < task.max_ticks * task.dt:
        task.step(expert.act(task))
        way = first_delivery(dict(zip(task.state_names, task.state().tolist(), strict=True)))
    assert way == f"{block.partition('_')[0]} {zone.partition('_')[0]}"
