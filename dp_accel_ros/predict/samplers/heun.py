# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Heun's method, EDM's sampler: deterministic and second order, two network evaluations a step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.denoiser import Denoise
from dp_accel_ros.predict.samplers.base import (
    check_levels,
    first_levels,
    last_levels,
    transitions,
)
from dp_accel_ros.predict.samplers.ddim import deterministic_steps
from dp_accel_ros.predict.schedule import CLEAN, Floats, NoiseSchedule


@dataclass(frozen=True, slots=True)
class Heun:
    """Corrects each Euler step by the slope at its end (Karras et al. 2022, algorithm 1).

    In d = (x - denoised) / sigma the correction (d + d_next) / 2 comes out as the difference of the
    two clean estimates alone. A step into the clean chunk has no slope at its end and stays Euler.
    """

    schedule: NoiseSchedule
    levels: tuple[int, ...]
    """Level that each step starts from, falling."""

    end: int = CLEAN
    """Where the last step ends: in the clean chunk, or in a lower level with its noise left in."""

    def __post_init__(self) -> None:
        check_levels(self.schedule, self.levels, self.end)

    @classmethod
    def spaced(cls, schedule: NoiseSchedule, num_inference_steps: int, end: int = CLEAN) -> Heun:
        """Return the sampler with steps from the highest level, evenly spaced in levels.

        The last step ends in level 0 or, with the same number of steps, leaves level 1 for the
        clean chunk: so late a jump only removes what noise is left.
        """
        top = len(schedule) - 1
        if not 1 <= num_inference_steps <= top:
            rule = f"between 1 and {top} (noise levels - 1)"
            raise ConfigError(f"`num_inference_steps` must be {rule}, got {num_inference_steps}")
        # Ending in level 0 the grid has one point more, so the last start is one spacing above it.
        last = 1 if end == CLEAN else top / num_inference_steps
        levels = np.linspace(top, last, num_inference_steps).round().astype(int)
        return cls(schedule, tuple(levels.tolist()), end)

    @property
    def n_steps(self) -> int:
        """Steps of which a leap may skip all but one."""
        return len(self.levels)

    @property
    def nfe(self) -> int:
        """Network evaluations per chunk."""
        return 2 * len(self.levels) - (self.end == CLEAN)

    @property
    def multistep(self) -> bool:
        """False: a step needs nothing but the state."""
        return False

    def first(self, n: int) -> Heun:
        """Return the sampler that makes only the first `n` of its steps and ends in noise."""
        return Heun(self.schedule, *first_levels(self.levels, n))

    def last(self, n: int) -> Heun:
        """Return the sampler that makes only the last `n` of its steps."""
        return Heun(self.schedule, last_levels(self.levels, n), self.end)

    def sample(self, denoise: Denoise, x: Floats, rng: np.random.Generator) -> Floats:
        """Return chunks at `end`, (B, T, Da), from `x`, (B, T, Da), noise at `levels[0]`."""
        del rng  # nothing is drawn
        steps = deterministic_steps(self.schedule, self.levels, self.end)
        corrections = slope_corrections(self.schedule, self.levels, self.end)
        ends = (*self.levels[1:], self.end)
        for step, correction, end in zip(steps, corrections, ends, strict=True):
            denoised = denoise(x, step.level)
            x = step.of_denoised * denoised + step.of_x * x
            if end != CLEAN:
                x += correction * (denoise(x, end) - denoised)
        return x


@lru_cache(maxsize=64)
def slope_corrections(
    schedule: NoiseSchedule, levels: tuple[int, ...], end: int
) -> tuple[float, ...]:
    """Return alpha_s (r_t - r_s) / (2 r_s) per step from level t to s, r = sigma / alpha."""
    found = []
    for t, s in transitions(levels, end):
        (alpha_t, sigma_t), (alpha_s, sigma_s) = schedule.at(t), schedule.at(s)
        ratio_t, ratio_s = sigma_t / alpha_t, sigma_s / alpha_s
        found.append(alpha_s * (ratio_t - ratio_s) / (2 * ratio_s) if s != CLEAN else 0.0)
    return tuple(found)
