# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Ancestral sampling, the base sampler that the policy was trained for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dp_accel_ros.predict.denoiser import Denoise
from dp_accel_ros.predict.samplers.base import (
    LinearStep,
    check_levels,
    last_levels,
    leading_levels,
    transitions,
)
from dp_accel_ros.predict.schedule import Floats, NoiseSchedule


@dataclass(frozen=True, slots=True)
class Ddpm:
    """Draws from q(x_next | x, denoised); its variance is what diffusers calls `fixed_small`.

    The last step adds no noise: it returns the clean estimate itself.
    """

    schedule: NoiseSchedule
    levels: tuple[int, ...]
    """Level that each step starts from, falling; the last step ends in the clean chunk."""

    def __post_init__(self) -> None:
        check_levels(self.schedule, self.levels)

    @classmethod
    def spaced(cls, schedule: NoiseSchedule, num_inference_steps: int) -> Ddpm:
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

    def last(self, n: int) -> Ddpm:
        """Return the sampler that makes only the last `n` of its steps."""
        return Ddpm(self.schedule, last_levels(self.levels, n))

    def sample(self, denoise: Denoise, x: Floats, rng: np.random.Generator) -> Floats:
        """Return clean chunks, (B, T, Da), from `x`, (B, T, Da), noise at `levels[0]`."""
        for level, of_denoised, of_x, noise in posterior_steps(self.schedule, self.levels):
            x = of_denoised * denoise(x, level) + of_x * x
            # The last step draws nothing, as in diffusers: a seed then gives what it gives there.
            if noise > 0:
                # In place, because x is new since the line above: not the caller's start.
                x += noise * rng.standard_normal(x.shape, dtype=np.float32)
        return x


@lru_cache(maxsize=64)
def posterior_steps(schedule: NoiseSchedule, levels: tuple[int, ...]) -> tuple[LinearStep, ...]:
    """Return mean factors and standard deviation of q(x_next | x, x0) for every step.

    With a = alpha_t / alpha_s and b² = sigma_t² - a² sigma_s² for a step from level t to s:
    mean = (alpha_s b² x0 + a sigma_s² x) / sigma_t², variance = b² sigma_s² / sigma_t²
    (Ho et al. 2020, eq. 7, for any alpha and sigma).
    """
    steps = []
    for t, s in transitions(levels):
        (alpha_t, sigma_t), (alpha_s, sigma_s) = schedule.at(t), schedule.at(s)
        a = alpha_t / alpha_s
        # In the last step alpha_s is 1 and sigma_s 0: the mean is the clean estimate itself.
        b_squared = sigma_t**2 - a**2 * sigma_s**2
        of_denoised = alpha_s * b_squared / sigma_t**2
        of_x = a * sigma_s**2 / sigma_t**2
        steps.append(LinearStep(t, of_denoised, of_x, b_squared**0.5 * sigma_s / sigma_t))
    return tuple(steps)
