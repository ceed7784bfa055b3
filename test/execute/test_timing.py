# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from scheduling import DT, STEP_NS, chunk, ns

from dp_accel_ros.execute.timing import (
    PeriodRecord,
    covers,
    due_after_s,
    late_actions,
    next_tick,
)


def test_action_i_is_due_i_steps_after_the_observation():
    np.testing.assert_allclose(due_after_s(chunk(2, n=3), ns(1.5)), [0.02, 0.06, 0.10])


@pytest.mark.parametrize(("now", "late"), [(-1, 0), (0, 0), (0.1, 1), (3, 3), (3.5, 4), (99, 15)])
def test_actions_due_before_now_are_late(now, late):
    assert late_actions(chunk(0), ns(now)) == late


@pytest.mark.parametrize(("age", "covered"), [(0, True), (7, True), (8, False), (20, False)])
def test_in_lockstep_a_chunk_serves_as_many_ticks_as_lie_between_two_chunks(age, covered):
    assert covers(ns(0), ns(age), 8, DT) is covered


def test_in_lockstep_there_is_no_tick_without_a_chunk():
    assert not covers(None, ns(0), 8, DT)


def test_ticks_stay_on_the_grid_however_late_one_is():
    assert next_tick(1000, 1003, 40) == (1040, 0)
    assert next_tick(1000, 1125, 40) == (1160, 3)


def test_the_next_tick_lies_after_now_even_when_the_clock_stands_still():
    assert next_tick(1000, 990, 40) == (1040, 0)


def test_the_period_error_is_counted_both_ways():
    record = PeriodRecord(STEP_NS)
    for now_ns in (0, 41_000_000, 80_000_000, 120_000_000):
        record.add(now_ns)
    assert record.error_ms(100) == pytest.approx(1.0)
    assert record.error_ms(0) == 0.0


def test_a_restart_is_not_counted_as_a_long_period():
    record = PeriodRecord(STEP_NS)
    record.add(0)
    record.restart()
    record.add(10**9)
    assert record.error_ms(100) == 0.0
