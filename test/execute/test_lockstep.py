# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
from scheduling import DT, STEP_NS, ns

from dp_accel_ros.execute.lockstep import Lockstep


def lockstep():
    return Lockstep(DT, STEP_NS, replan_steps=8)


def test_there_is_no_tick_without_a_chunk():
    assert not lockstep().is_due(ns(0), None)


def test_a_chunk_of_this_very_time_serves_the_first_tick():
    assert lockstep().is_due(ns(0), ns(0))


def test_each_step_has_one_tick():
    made = lockstep()
    made.done(ns(0))
    assert not made.is_due(ns(0), ns(0))
    assert not made.is_due(ns(0.5), ns(0))
    assert made.is_due(ns(1), ns(0))


def test_a_tick_waits_for_the_next_chunk_when_the_last_one_has_served():
    made = lockstep()
    made.done(ns(7))
    assert not made.is_due(ns(8), ns(0))
    assert made.is_due(ns(8), ns(8))


def test_an_answer_that_was_not_heard_is_asked_for_again():
    made = lockstep()
    made.done(ns(3))
    assert made.is_asked_again(ns(3), ns(3))
    assert not made.is_asked_again(ns(3), ns(2.75))
    assert not made.is_asked_again(ns(4), ns(3))


def test_time_may_be_set_back_at_a_restart():
    made = lockstep()
    made.done(ns(30))
    assert not made.is_due(ns(0), ns(0))
    made.restart()
    assert made.is_due(ns(0), ns(0))
