# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""EDM's noise levels and the samplers made for them, against the papers' formulas."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from toy_networks import noise

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.samplers import Consistency, Ddim, Heun
from dp_accel_ros.predict.samplers.base import remaining_steps
from dp_accel_ros.predict.schedule import CLEAN, karras

SCHEDULE = karras()
BOTH_ENDS = pytest.mark.parametrize("end", [CLEAN, 0])

# Leap ratio, sigma of the first remaining step, steps that remain.
TABLE = [
    (0.0, 80.0, 79),
    (0.5, 3.86, 39),
    (0.75, 0.480, 20),
    (0.875, 0.117, 10),
    (0.9, 0.0851, 8),
    (0.95, 0.0428, 4),
]


def test_the_levels_are_those_of_the_formula():
    i = np.arange(80)
    sigmas = (80 ** (1 / 7) + i / 79 * (0.02 ** (1 / 7) - 80 ** (1 / 7))) ** 7
    np.testing.assert_allclose(SCHEDULE.sigmas[::-1], sigmas, rtol=1e-12)


def test_the_clean_chunk_is_never_shrunk():
    assert SCHEDULE.alphas.tolist() == [1.0] * 80


def test_the_network_is_told_a_quarter_of_the_logarithm():
    np.testing.assert_allclose(SCHEDULE.network_times, np.log(SCHEDULE.sigmas) / 4, rtol=1e-6)
    scaled = karras(time_scale=1000.0)
    np.testing.assert_allclose(scaled.network_times, 250 * np.log(SCHEDULE.sigmas), rtol=1e-6)


@BOTH_ENDS
@pytest.mark.parametrize(("ratio", "sigma", "n"), TABLE)
def test_a_leap_leaves_the_steps_of_the_table(ratio: float, sigma: float, n: int, end: int):
    whole = Heun.spaced(SCHEDULE, 79, end)
    sampler = whole.last(remaining_steps(ratio, whole.n_steps))
    assert SCHEDULE.at(sampler.levels[0])[1] == pytest.approx(sigma, rel=2e-3)
    assert sampler.n_steps == n
    assert sampler.nfe == (2 * n if end == 0 else 2 * n - 1)


@BOTH_ENDS
@pytest.mark.parametrize("n_steps", [79, 20, 7, 1])
def test_heun_equals_the_published_algorithm(n_steps: int, end: int):
    sampler, x = Heun.spaced(SCHEDULE, n_steps, end), 80 * noise(2, 3, 2).astype(np.float64)
    sigmas = [SCHEDULE.at(level)[1] for level in (*sampler.levels, end)]
    expected = _published(_smooth, x, sigmas)
    got = sampler.sample(lambda x, level: _smooth(x, SCHEDULE.at(level)[1]), x, _UNUSED)
    np.testing.assert_allclose(got, expected, rtol=1e-9)


def _smooth(x: np.ndarray, sigma: float) -> np.ndarray:
    return np.tanh(x / (1 + sigma)) + 0.1 * np.sin(sigma)


def _published(denoise, x: np.ndarray, sigmas) -> np.ndarray:
    """Karras et al. 2022, algorithm 1, as printed."""
    for sigma, sigma_next in pairwise(sigmas):
        slope = (x - denoise(x, sigma)) / sigma
        following = x + (sigma_next - sigma) * slope
        if sigma_next > 0:
            slope_next = (following - denoise(following, sigma_next)) / sigma_next
            following = x + (sigma_next - sigma) * (slope + slope_next) / 2
        x = following
    return x


@BOTH_ENDS
@pytest.mark.parametrize("n_steps", [79, 10, 1])
def test_heun_calls_the_network_exactly_nfe_times(n_steps: int, end: int):
    levels, sampler = [], Heun.spaced(SCHEDULE, n_steps, end)
    sampler.sample(lambda x, level: levels.append(level) or x, noise(1, 2, 2), _UNUSED)
    assert len(levels) == sampler.nfe
    assert set(levels) == {*sampler.levels, end} - {CLEAN}


def test_steps_of_heun_are_even_in_the_root_of_sigma():
    roots = np.array([SCHEDULE.at(level)[1] for level in Heun.spaced(SCHEDULE, 8).levels]) ** (
        1 / 7
    )
    np.testing.assert_allclose(np.diff(roots), np.diff(roots).mean(), rtol=0.1)


def test_heun_beats_euler_at_the_same_network_calls():
    std, x = 0.5, 80 * noise(500, 1, 1).astype(np.float64)

    def denoise(x, level):
        return x * std**2 / (std**2 + SCHEDULE.at(level)[1] ** 2)

    def error(sampler, end_std: float) -> float:
        exact = x * end_std / np.hypot(std, 80)
        return float(np.abs(sampler.sample(denoise, x, _UNUSED) - exact).max())

    heun = Heun.spaced(SCHEDULE, 40)
    euler = Ddim(SCHEDULE, tuple(np.linspace(79, 1, heun.nfe).round().astype(int).tolist()))
    assert error(heun, std) < 0.5 * error(euler, std)


def test_one_jump_is_the_denoiser_itself():
    calls, x = [], noise(2, 3, 2)
    sampler = Consistency.spaced(SCHEDULE, 1)
    got = sampler.sample(lambda x, level: calls.append(level) or 0.5 * x, x, _UNUSED)
    np.testing.assert_array_equal(got, 0.5 * x)
    assert calls == [79]
    assert sampler.nfe == 1


def test_three_jumps_pass_the_published_bins():
    assert Consistency.spaced(SCHEDULE, 3).levels == (79 - 0, 79 - 27, 79 - 54)


def test_later_jumps_start_from_fresh_noise_around_the_last_estimate():
    starts, x = [], noise(1, 4000, 1)
    sampler = Consistency.spaced(SCHEDULE, 3)
    rng = np.random.default_rng(1)
    sampler.sample(lambda x, level: starts.append(x) or np.full_like(x, 0.3), x, rng)
    np.testing.assert_array_equal(starts[0], x)
    for start, level in zip(starts[1:], sampler.levels[1:], strict=True):
        sigma = SCHEDULE.at(level)[1]
        assert start.mean() == pytest.approx(0.3, abs=4 * sigma / 4000**0.5)
        assert start.std() == pytest.approx(sigma, rel=0.05)


@pytest.mark.parametrize(("ratio", "sigma", "n"), TABLE)
def test_a_leap_starts_the_first_jump_at_the_sigma_of_the_table(ratio, sigma, n):
    whole = Consistency.spaced(SCHEDULE, 1)
    sampler = whole.last(remaining_steps(ratio, whole.n_steps))
    assert sampler.levels == (n,)
    assert SCHEDULE.at(n)[1] == pytest.approx(sigma, rel=2e-3)


def test_a_leap_keeps_the_jumps_below_its_start():
    whole = Consistency.spaced(SCHEDULE, 3)
    assert [whole.last(n).levels for n in (79, 60, 52, 30, 20)] == [
        (79, 52, 25),
        (60, 52, 25),
        (52, 25),
        (30, 25),
        (20,),
    ]


_UNUSED = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: Heun.spaced(SCHEDULE, 80), r"between 1 and 79 \(noise levels - 1\), got 80"),
        (lambda: Heun.spaced(SCHEDULE, 0), r"between 1 and 79 \(noise levels - 1\), got 0"),
        (lambda: Heun(SCHEDULE, (5, 0), end=0), r"`end` must be -1 .* got 0 after 0"),
        (lambda: Heun(SCHEDULE, (9, 5), end=7), r"`end` must be -1 .* got 7 after 5"),
        (lambda: Consistency.spaced(SCHEDULE, 81), r"between 1 and 80 \(noise levels\), got 81"),
        (lambda: Consistency.spaced(SCHEDULE, 3).last(80), "`n` must be between 1 and 79"),
        (lambda: Consistency(SCHEDULE, (25, 52)), "`levels` must fall within 79 to 0"),
    ],
)
def test_steps_that_the_levels_do_not_allow_are_refused(call, match: str):
    with pytest.raises(ConfigError, match=match):
        call()
