# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""DDIM: deterministic and first order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dp_accel_ros.predict.denoiser import Denoise
from dp_accel_ros.predict.samplers.base import (
    LinearStep,
    check_levels,
    first_levels,
    last_levels,
    leading_levels,
    transitions,
)
from dp_accel_ros.predict.schedule import CLEAN, Floats, NoiseSchedule


@dataclass(frozen=True, slots=True)
class Ddim:
    """Keeps the noise that explains `x` (Song et al. 2021, eq. 12 with eta = 0).

    The noise is computed from the estimate after clipping, so that x stays on a line between the
    two; diffusers does this with `use_clipped_model_output=True`, its default keeps the raw noise.
    """

    schedule: NoiseSchedule
    levels: tuple[int, ...]
    """Level that each step starts from, falling."""

    end: int = CLEAN
    """Where the last step ends: in the clean chunk, or in a lower level with its noise left in."""

    def __post_init__(self) -> None:
        check_levels(self.schedule, self.levels, self.end)

    @classmethod
    def spaced(cls, schedule: NoiseSchedule, num_inference_steps: int) -> Ddim:
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
        """False: a step needs nothing but the state."""
        return False

    def first(self, n: int) -> Ddim:
        """Return the sampler that makes only the first `n` of its steps and ends in noise."""
        return Ddim(self.schedule, *first_levels(self.levels, n))

    def last(self, n: int) -> Ddim:
        """Return the sampler that makes only the last `n` of its steps."""
        return Ddim(self.schedule, last_levels(self.levels, n), self.end)

    def sample(self, denoise: Denoise, x: Floats, rng: np.random.Generator) -> Floats:
        """Return chunks at `end`, (B, T, Da), from `x`, (B, T, Da), noise at `levels[0]`."""
        del rng  # nothing is drawn
        for level, of_denoised, of_x, _ in deterministic_steps(
            self.schedule, self.levels, self.end
        ):
            x = of_denoised * denoise(x, level) + of_x * x
        return x


@lru_cache(maxsize=64)
def deterministic_steps(
    schedule: NoiseSchedule, levels: tuple[int, ...], end: int = CLEAN
) -> tuple[LinearStep, ...]:
    """Return the factors of x_s = alpha_s x0 + sigma_s (x - alpha_t x0) / sigma_t per step."""
    steps = []
    for t, s in transitions(levels, end):
        (alpha_t, sigma_t), (alpha_s, sigma_s) = schedule.at(t), schedule.at(s)
        of_x = sigma_s / sigma_t
        steps.append(LinearStep(t, alpha_s - alpha_t * of_x, of_x, 0.0))
    return tuple(steps)
