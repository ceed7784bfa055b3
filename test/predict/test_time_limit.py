# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Speculation that has to be done in time, on a clock that its network moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tiny_bundle import observation_at
from toy_networks import CountingNetwork, noise

from dp_accel_ros.predict.assemble import load_policy, make_method
from dp_accel_ros.predict.methods import TsdpConfig
from dp_accel_ros.predict.samplers import Ddim
from dp_accel_ros.predict.speculation.chains import Chains
from dp_accel_ros.predict.speculation.draws import Draws
from dp_accel_ros.predict.speculation.step_table import step_table
from dp_accel_ros.predict.speculation.time_limit import (
    FINAL_STEPS,
    TimeLimit,
    final_levels,
    finish,
)

CALL_S, ROW_S = 1e-3, 0.1e-3
# Bad drafts, so that there are many rounds.
CONFIG = TsdpConfig(lengths="fixed", draft_length=10, drafter="recalled", guard=20)


class SlowNetwork:
    """Moves a clock by what a call costs, the longer the more states are in it."""

    def __init__(self, network):
        self.network = network
        self.now_s = 0.0

    def __call__(self, x, t, cond):
        self.now_s += CALL_S + len(x) * ROW_S
        return self.network(x, t, cond)


@pytest.fixture
def slow(tiny_bundle, tiny_policy):
    """A policy, its network, and a function from a limit in ms to a prediction on its clock."""
    network = SlowNetwork(tiny_policy.denoiser.network)
    policy = load_policy(tiny_bundle, network=network)

    def predict(limit_ms: float, *, with_clock: bool = True, seed: int = 0):
        network.now_s = 0.0
        method = make_method("tsdp", policy, replace(CONFIG, time_limit_ms=limit_ms))
        return policy.predict(
            observation_at(tiny_bundle, 10),
            method,
            np.random.default_rng(seed),
            clock=(lambda: network.now_s) if with_clock else None,
        )

    return network, predict


@pytest.mark.parametrize("limit_ms", [7, 10, 15, 22, 31])
def test_no_chunk_takes_longer_than_its_limit(slow, limit_ms):
    network, predict = slow
    unlimited = predict(0)
    assert 1e3 * network.now_s > limit_ms
    for seed in range(5):
        chunk = predict(limit_ms, seed=seed)
        assert 1e3 * network.now_s <= limit_ms
        # what time there is is used: all but a round and the final calls
        most_s = CALL_S + 11 * ROW_S
        assert 1e3 * network.now_s >= limit_ms - 1e3 * (1 + FINAL_STEPS) * most_s
        assert chunk.cost.exactness.startswith("approximate: out of time at level")
        assert chunk.cost.speculation.bias_budget >= 1.0
    assert unlimited.cost.exactness == "exact: the law of the base sampler"


def test_a_limit_that_is_not_reached_changes_nothing(slow):
    _, predict = slow
    free, limited = predict(0), predict(1000)
    np.testing.assert_array_equal(limited.normalised, free.normalised)
    assert limited.cost.exactness == free.cost.exactness
    assert limited.cost.nfe == free.cost.nfe


def test_without_a_clock_there_is_no_limit(slow):
    _, predict = slow
    free, limited = predict(0), predict(1, with_clock=False)
    np.testing.assert_array_equal(limited.normalised, free.normalised)


def test_where_time_is_over_before_the_first_round_the_final_steps_remain(slow):
    network, predict = slow
    limit = TimeLimit(lambda: 0.2, 0.1)
    assert not limit.another_fits()
    cost = predict(1e-9).cost  # nothing but calls moves the clock, so one round is made
    assert cost.speculation.rounds == 1 + FINAL_STEPS
    assert network.now_s > 0
    assert cost.exactness.endswith("2 steps of ddim from there")


def test_calls_and_states_of_the_final_steps_count(tiny_bundle, tiny_policy):
    counting = CountingNetwork(tiny_policy.denoiser.network)
    network = SlowNetwork(counting)
    policy = load_policy(tiny_bundle, network=network)
    counting.times.clear()
    network.now_s = 0.0
    method = make_method("tsdp", policy, replace(CONFIG, time_limit_ms=15))
    observation, rng = observation_at(tiny_bundle, 10), np.random.default_rng(0)
    cost = policy.predict(observation, method, rng, clock=lambda: network.now_s).cost
    assert cost.speculation.rounds == len(counting.times)
    assert cost.nfe == cost.speculation.rows == sum(map(len, counting.times))


def test_chains_are_finished_by_ddim_from_where_each_was_left(tiny_policy):
    denoiser, shape = tiny_policy.denoiser, (16, 8)
    table = step_table(denoiser.schedule, tuple(range(99, -1, -1)))
    facts = tiny_policy.manifest
    condition = noise(3, facts.n_obs_steps, facts.denoiser.feature_dim)
    chains = Chains.started(Draws.drawn(np.random.default_rng(0), 3, 100, shape), None)
    chains.step[:] = 40, 100, 99
    before = chains.x.copy()
    left = finish(chains, table, denoiser, condition, np.random.default_rng(0))
    assert left.tolist() == [59, -1, 0]
    assert chains.rounds.tolist() == chains.rows.tolist() == [2, 0, 1]
    for row, levels in ((0, (59, 29)), (2, (0,))):
        denoise = denoiser.given(condition[row : row + 1])
        sampler = Ddim(denoiser.schedule, levels)
        wanted = sampler.sample(denoise, before[row : row + 1], np.random.default_rng(0))
        np.testing.assert_allclose(chains.x[row : row + 1], wanted, atol=1e-6)
    np.testing.assert_array_equal(chains.x[1], before[1])


@pytest.mark.parametrize(
    ("level", "wanted"), [(99, (99, 49)), (3, (3, 1)), (2, (2, 1)), (1, (1, 0)), (0, (0,))]
)
def test_final_levels_halve_the_way(level, wanted):
    assert final_levels(level) == wanted


def test_a_round_fits_if_the_longest_so_far_and_the_final_steps_would():
    now = iter([0.0, 2.0, 5.0, 6.0, 7.5])
    limit = TimeLimit(lambda: next(now), 12.2)
    # after rounds of 2, 3, 1 and 1.5 s it would be 2 + 2 + 2 * 2, 5 + 3 + 2 * 2, 11 and 12.5 s
    assert [limit.another_fits() for _ in range(5)] == [True, True, True, True, False]
