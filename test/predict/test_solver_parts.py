# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A deterministic solver can be left at a step; what it forgets there is known."""

from __future__ import annotations

import numpy as np
import pytest
from toy_networks import SCHEDULE, denoise_with, noise, smooth_network

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.samplers import Ddim, DpmPp2M, Heun

RNG = np.random.default_rng(0)
X = noise(3, 8, 4)
DENOISE = denoise_with(smooth_network)
EVERY_SOLVER = pytest.mark.parametrize("kind", [Ddim, DpmPp2M, Heun])


@pytest.mark.parametrize("kind", [Ddim, Heun])
@pytest.mark.parametrize("n", [1, 7, 19])
def test_two_parts_of_a_single_step_solver_are_the_whole_bit_for_bit(kind, n: int):
    solver = kind.spaced(SCHEDULE, 20)
    reached = solver.first(n).sample(DENOISE, X, RNG)
    assert not solver.multistep
    np.testing.assert_array_equal(
        solver.last(20 - n).sample(DENOISE, reached, RNG), solver.sample(DENOISE, X, RNG)
    )


@EVERY_SOLVER
def test_the_first_part_ends_in_the_state_that_the_whole_passes_through(kind):
    solver, seen = kind.spaced(SCHEDULE, 20), {}

    def watched(x, level):
        seen[level] = x
        return DENOISE(x, level)

    solver.sample(watched, X, RNG)
    reached = solver.first(7).sample(DENOISE, X, RNG)
    np.testing.assert_array_equal(reached, seen[solver.levels[7]])


def test_the_second_part_of_a_multistep_solver_begins_at_first_order():
    """The history is reset at the value step: its clean estimate alone makes that step."""
    solver = DpmPp2M.spaced(SCHEDULE, 20)
    second = solver.last(13).sample(DENOISE, X, RNG)
    lambdas = [np.log(SCHEDULE.alphas[t] / SCHEDULE.sigmas[t]) for t in solver.levels[7:]]
    x, older = X.astype(np.float64), None
    for i, (level, lam) in enumerate(zip(solver.levels[7:], lambdas, strict=True)):
        denoised = DENOISE(x.astype(np.float32), level).astype(np.float64)
        direction = denoised
        if 0 < i < 12:
            r = (lam - lambdas[i - 1]) / (lambdas[i + 1] - lam)
            direction = (1 + 1 / (2 * r)) * denoised - older / (2 * r)
        if i == 12:
            break
        t, s = solver.levels[7 + i], solver.levels[8 + i]
        h = lambdas[i + 1] - lam
        x = SCHEDULE.sigmas[s] / SCHEDULE.sigmas[t] * x
        x -= SCHEDULE.alphas[s] * np.expm1(-h) * direction
        older = denoised
    np.testing.assert_allclose(second, denoised, atol=2e-5)
    assert solver.multistep


def test_a_reset_history_changes_what_follows():
    solver = DpmPp2M.spaced(SCHEDULE, 20)
    reached = solver.first(7).sample(DENOISE, X, RNG)
    resumed = solver.last(13).sample(DENOISE, reached, RNG)
    assert np.abs(resumed - solver.sample(DENOISE, X, RNG)).max() > 1e-4


@EVERY_SOLVER
def test_a_part_that_would_hold_every_step_is_refused(kind):
    with pytest.raises(ConfigError, match="`n` must be between 1 and 19 steps, got 20"):
        kind.spaced(SCHEDULE, 20).first(20)


@EVERY_SOLVER
def test_the_first_part_counts_its_own_evaluations(kind):
    calls = []
    part = kind.spaced(SCHEDULE, 20).first(7)
    part.sample(lambda x, level: calls.append(level) or DENOISE(x, level), X, RNG)
    assert part.nfe == len(calls)
