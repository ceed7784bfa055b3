# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Draft lengths: by stage, by closed form, and never over the end."""

from __future__ import annotations

import numpy as np
import pytest

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.speculation.batch_costs import BatchCosts, measured_costs
from dp_accel_ros.predict.speculation.closed_form import PRIOR, best_lengths, smoothed
from dp_accel_ros.predict.speculation.plan import DraftPlan, stage_of, within_reach

LEVELS = np.arange(99, -1, -1)


def test_the_stages_are_thirds_of_the_levels():
    stages = stage_of(np.array([99, 67, 66, 34, 33, 0]), 100)
    assert stages.tolist() == [0, 0, 1, 1, 2, 2]


def test_a_plan_gives_every_step_the_numbers_of_its_stage():
    plan = DraftPlan(draft_length=(5, 20, 10), sigma_scale=(1.0, 1.5, 2.0))
    at = np.array([80, 50, 20])
    assert plan.lengths(at, 100).tolist() == [5, 20, 10]
    assert plan.settings(at, 100).sigma_scale.tolist() == [1.0, 1.5, 2.0]


def test_a_uniform_plan_is_the_same_in_every_stage():
    settings = DraftPlan.uniform(7, 1.5, 0.9).settings(LEVELS, 100)
    assert set(settings.sigma_scale) == {1.5}
    assert set(settings.threshold) == {0.9}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"draft_length": (1, 2)}, "`draft_length` must be 3 numbers from 0 to 1000"),
        ({"sigma_scale": (0.5, 1, 1)}, "`sigma_scale` must be 3 numbers from 1 to 10"),
        ({"threshold": (0.0, 1, 1)}, "`threshold` must be 3 numbers from 1e-06 to 1"),
        ({"threshold": (float("nan"), 1, 1)}, "`threshold` must be 3 numbers"),
    ],
)
def test_a_plan_out_of_range_is_refused(change, match: str):
    with pytest.raises(ConfigError, match=match):
        DraftPlan(**{"draft_length": (1, 1, 1), **change})


def test_a_plan_is_read_as_it_is_written():
    plan = DraftPlan(draft_length=(5, 20, 10), sigma_scale=(1, 1.5, 2), threshold=(1, 0.9, 0.5))
    assert str(plan) == "5:1:1,20:1.5:0.9,10:2:0.5"
    assert DraftPlan.parsed(str(plan)) == plan


@pytest.mark.parametrize(
    "text", ["", "5", "5:1:1", "5:1,5:1,5:1", "a:1:1,5:1:1,5:1:1", "5:1:1," * 4]
)
def test_a_plan_that_is_written_in_another_way_is_refused(text: str):
    with pytest.raises(ConfigError, match="must be"):
        DraftPlan.parsed(text)


def test_no_draft_reaches_the_last_step():
    reached = np.arange(100) + within_reach(np.full(100, 500), guard=1)
    assert reached.max() == 99
    assert within_reach(np.full(100, 500), guard=0).tolist() == (99 - np.arange(100)).tolist()


def test_the_guard_takes_the_last_steps_one_by_one():
    lengths = within_reach(np.full(100, 10), guard=5)
    assert lengths[-5:].tolist() == [0] * 5
    assert lengths[93:95].tolist() == [2, 1]


def test_steps_that_cost_nothing_more_are_drafted_as_far_as_allowed():
    lengths = best_lengths(np.full(100, 0.9), BatchCosts.linear(0.0), 30)
    assert (lengths[:70] == 30).all()


def test_nothing_is_drafted_when_a_state_costs_as_much_as_a_call():
    assert (best_lengths(np.full(100, 0.9), BatchCosts.linear(1.0), 30) == 0).all()


def test_without_the_bonus_at_least_one_draft_is_made():
    assert (best_lengths(np.full(9, 0.9), BatchCosts.linear(1.0), 5, bonus=False) == 1).all()


@pytest.mark.parametrize("bonus", [True, False])
def test_the_closed_form_is_the_best_of_all_lengths(bonus: bool):
    acceptance = np.random.default_rng(0).uniform(0.5, 1.0, 40)
    costs = BatchCosts((1, 4, 16), (1.0, 1.2, 3.0))

    def pace(start: int, length: int) -> float:
        held = np.cumprod([1.0, *acceptance[start : start + length]])
        steps = held.sum() if bonus else held[:-1].sum()
        return steps / costs.of(np.array(length + bonus))

    allowed = range(0 if bonus else 1, 13)
    expected = [max(allowed, key=lambda k, p=p: pace(p, k)) for p in range(28)]
    assert best_lengths(acceptance, costs, 12, bonus=bonus)[:28].tolist() == expected


def test_drafts_get_shorter_where_they_fail_more():
    acceptance = np.concatenate([np.full(50, 0.98), np.full(50, 0.6)])
    lengths = best_lengths(acceptance, BatchCosts.linear(0.1), 40)
    assert lengths[0] > 2 * lengths[60]


def test_each_row_has_lengths_of_its_own():
    rows = np.stack([np.full(50, 0.99), np.full(50, 0.5)])
    both = best_lengths(rows, BatchCosts.linear(0.1), 20)
    alone = [best_lengths(row, BatchCosts.linear(0.1), 20) for row in rows]
    np.testing.assert_array_equal(both, alone)


def test_the_outlook_moves_towards_what_was_measured_and_stays_where_nothing_was():
    outlook = np.full(3, PRIOR)
    for _ in range(50):
        outlook = smoothed(outlook, np.array([0.5, 1.0, np.nan]))
    np.testing.assert_allclose(outlook, [0.5, 1.0, PRIOR], atol=1e-4)


def test_costs_are_linear_between_measured_sizes_and_past_the_largest():
    costs = BatchCosts((1, 4, 8), (1.0, 4.0, 6.0))
    np.testing.assert_allclose(costs.of(np.array([1, 2, 6, 10])), [1.0, 2.0, 5.0, 7.0])


def test_costs_are_the_least_time_of_a_call():
    now, sizes = [0.0], []

    def call(n: int) -> None:
        sizes.append(n)
        now[0] += n / 10 + 5.0 * (len(sizes) % 4 in (1, 2))

    costs = measured_costs(call, lambda: now[0], rows=(1, 8), repeats=3)
    assert sizes == [1, 8] * 4
    assert costs.costs == pytest.approx((0.1, 0.8))


def test_no_batch_costs_more_than_a_larger_one_did():
    now, took = [0.0], {1: 2.0, 2: 9.0, 4: 3.0, 8: 6.0}

    def call(n: int) -> None:
        now[0] += took[n]

    costs = measured_costs(call, lambda: now[0], rows=(1, 2, 4, 8))
    assert costs.costs == (2.0, 3.0, 3.0, 6.0)


@pytest.mark.parametrize(
    ("rows", "costs"), [((2, 4), (1.0, 2.0)), ((1, 1), (1.0, 2.0)), ((1,), (0.0,)), ((), ())]
)
def test_costs_that_make_no_sense_are_refused(rows, costs):
    with pytest.raises(ConfigError, match="batch sizes rising from 1 and positive costs"):
        BatchCosts(rows, costs)
