# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import pytest

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.sim.pace import Pace


def test_every_instant_comes_once_however_often_one_asks():
    pace = Pace(0, 10)
    assert [pace.due(now) for now in (3, 10, 14, 20, 29)] == [[], [10], [], [20], []]
    assert pace.overruns == 0


def test_the_next_instant_is_the_one_that_comes_next():
    pace = Pace(0, 10)
    assert pace.next_ns == 10
    pace.due(23)
    assert pace.next_ns == 30


def test_a_late_call_catches_up_and_is_counted():
    pace = Pace(0, 10)
    assert pace.due(35) == [10, 20, 30]
    assert (pace.overruns, pace.skipped_ns) == (1, 0)


def test_a_long_pause_is_skipped_on_the_same_grid():
    pace = Pace(0, 10, max_behind_ns=50)
    assert pace.due(1004) == [1000]
    assert pace.skipped_ns == 990


def test_a_clock_that_is_set_back_gives_no_instant_twice():
    pace = Pace(0, 10)
    assert [pace.due(now) for now in (20, 5, 20, 30)] == [[10, 20], [], [], [30]]


def test_a_period_of_zero_is_refused():
    with pytest.raises(ConfigError, match="`period_ns` must be above 0"):
        Pace(0, 0)
