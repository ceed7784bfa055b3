# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""DPM-Solver++(2M): deterministic and second order, one network evaluation a step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dp_accel_ros.predict.denoiser import Denoise
from dp_accel_ros.predict.samplers.base import (
    check_levels,
    first_levels,
    last_levels,
    leading_levels,
)
from dp_accel_ros.predict.samplers.ddim import deterministic_steps
from dp_accel_ros.predict.schedule import CLEAN, Floats, NoiseSchedule


@dataclass(frozen=True, slots=True)
class DpmPp2M:
    """Extrapolates the clean estimate from the last two (Lu et al. 2022, algorithm 2).

    The first step, also after a leap, and the last step into the clean chunk are first order.
    """

    schedule: NoiseSchedule
    levels: tuple[int, ...]
    """Level that each step starts from, falling."""

    end: int = CLEAN
    """Where the last step ends: in the clean chunk, or in a lower level with its noise left in."""

    def __post_init__(self) -> None:
        check_levels(self.schedule, self.levels, self.end)

    @classmethod
    def spaced(cls, schedule: NoiseSchedule, num_inference_steps: int) -> DpmPp2M:
        """Return the sampler with evenly spaced steps."""
        return cls(schedule, leading_levels(schedule, num_inference_steps))

    @property
    def n_steps(self) -> int:
        """Steps of which a leap may skip all but one."""
        return len(self.levels)

    @property
    def nfe(self) -> int:
        """Network evaluations per chunk."""
        return len(self.levels)

    @property
    def multistep(self) -> bool:
        """True: the clean estimate of the step before."""
        return True

    def first(self, n: int) -> DpmPp2M:
        """Return the sampler that makes only the first `n` of its steps and ends in noise."""
        return DpmPp2M(self.schedule, *first_levels(self.levels, n))

    def last(self, n: int) -> DpmPp2M:
        """Return the sampler that makes only the last `n` of its steps."""
        return DpmPp2M(self.schedule, last_levels(self.levels, n), self.end)

    def sample(self, denoise: Denoise, x: Floats, rng: np.random.Generator) -> Floats:
        """Return chunks at `end`, (B, T, Da), from `x`, (B, T, Da), noise at `levels[0]`."""
        del rng  # nothing is drawn
        steps = deterministic_steps(self.schedule, self.levels, self.end)
        weights = history_weights(self.schedule, self.levels, self.end)
        # Its weight is 0 in the first step, so any array of this shape will do.
        older = x
        for step, weight in zip(steps, weights, strict=True):
            denoised = denoise(x, step.level)
            slope = weight * (denoised - older)
            x = step.of_denoised * (denoised + slope) + step.of_x * x
            older = denoised
        return x


@lru_cache(maxsize=64)
def history_weights(
    schedule: NoiseSchedule, levels: tuple[int, ...], end: int = CLEAN
) -> tuple[float, ...]:
    """Return 1 / (2 r) per step, r = h_previous / h in log(alpha / sigma); 0 is first order."""
    states = levels if end == CLEAN else (*levels, end)
    lambdas = [math.log(alpha / sigma) for alpha, sigma in map(schedule.at, states)]
    steps = np.diff(lambdas)  # without a step into the clean chunk, which is infinite
    inner = steps[1:] / (2 * steps[:-1])
    # The last 0 is for the step into the clean chunk, which diffusers takes at first order too.
    # Where the last step ends above it there is one more inner weight, and the 0 falls away.
    return (0.0, *inner.tolist(), 0.0)[: len(levels)]
