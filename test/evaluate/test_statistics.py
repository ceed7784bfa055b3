# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import math

import numpy as np
import pytest

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.evaluate.statistics import SuccessRate, period_errors_ms, quantiles


@pytest.mark.parametrize(
    ("successes", "episodes", "low", "high"),
    [(0, 10, 0.0, 0.27753), (90, 100, 0.82563, 0.94477), (10, 10, 0.72247, 1.0)],
)
def test_the_interval_is_wilsons(successes, episodes, low, high):
    got = SuccessRate(successes, episodes).interval()
    assert got == pytest.approx((low, high), abs=1e-5)


def test_wilsons_interval_covers_the_truth_as_often_as_it_says():
    truth, drawn = 0.9, np.random.default_rng(0).binomial(60, 0.9, 4000)
    held = [low <= truth <= high for low, high in (SuccessRate(k, 60).interval() for k in drawn)]
    assert 0.93 < np.mean(held) < 0.98


def test_no_episodes_leave_everything_open():
    assert SuccessRate(0, 0).interval() == (0.0, 1.0)
    assert math.isnan(SuccessRate(0, 0).rate)


def test_more_successes_than_episodes_are_refused():
    with pytest.raises(ConfigError, match=r"`successes` must be between 0 and `episodes` \(3\)"):
        SuccessRate(4, 3)


def test_quantiles_of_a_ramp_are_its_values():
    ramp = quantiles(np.arange(101))
    assert (ramp.n, ramp.p50, ramp.p95, ramp.p99, ramp.max) == (101, 50, 95, 99, 100)


def test_a_period_error_counts_both_early_and_late():
    stamps_ns = np.array([0, 40, 81, 120]) * 1_000_000
    assert period_errors_ms(stamps_ns, 0.04) == pytest.approx([0.0, 1.0, 1.0])


def test_a_period_that_touches_a_pause_is_left_out():
    times_ns = np.array([0, 40, 200, 240, 285]) * 1_000_000
    pauses_ns = [(50_000_000, 199_000_000)]
    assert period_errors_ms(times_ns, 0.04, pauses_ns) == pytest.approx([0.0, 0.0, 5.0])


def test_nothing_measured_gives_no_number_in_a_report():
    assert quantiles([]).as_dict("ms")["p99_ms"] is None
