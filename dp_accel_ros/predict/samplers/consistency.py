# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Consistency sampling: one network evaluation from any level to a clean chunk, or a few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.denoiser import Denoise
from dp_accel_ros.predict.samplers.base import check_levels
from dp_accel_ros.predict.schedule import Floats, NoiseSchedule


@dataclass(frozen=True, slots=True)
class Consistency:
    """Jumps to the clean chunk, noises it to the next level and jumps again (Song et al. 2023).

    The denoiser must be a consistency student, whose estimate is the end of the trajectory
    through x; from any other one jump gives the mean of all chunks that x may have come from.
    """

    schedule: NoiseSchedule
    levels: tuple[int, ...]
    """Level that each jump starts from, falling."""

    def __post_init__(self) -> None:
        check_levels(self.schedule, self.levels)

    @classmethod
    def spaced(cls, schedule: NoiseSchedule, num_inference_steps: int) -> Consistency:
        """Return the sampler with evenly spaced jumps; 3 over 80 levels pass bins 0, 27 and 54."""
        n_levels = len(schedule)
        if not 1 <= num_inference_steps <= n_levels:
            rule = f"between 1 and {n_levels} (noise levels)"
            raise ConfigError(f"`num_inference_steps` must be {rule}, got {num_inference_steps}")
        # Rounded up: 80 levels in 3 parts are 26.7 each, and the published bins are 27 and 54.
        bins = np.ceil(np.arange(num_inference_steps) * n_levels / num_inference_steps)
        return cls(schedule, tuple(n_levels - 1 - int(b) for b in bins))

    @property
    def n_steps(self) -> int:
        """Steps of which a leap may skip all but one: those from level to level, not the jumps."""
        return len(self.schedule) - 1

    @property
    def nfe(self) -> int:
        """Network evaluations per chunk."""
        return len(self.levels)

    def last(self, n: int) -> Consistency:
        """Return the sampler whose first jump starts `n` levels above the lowest.

        Later jumps stay as they are; those from above that level fall away.
        """
        if not 1 <= n <= self.n_steps:
            raise ConfigError(f"`n` must be between 1 and {self.n_steps} steps, got {n}")
        return Consistency(self.schedule, (n, *(level for level in self.levels if level < n)))

    def sample(self, denoise: Denoise, x: Floats, rng: np.random.Generator) -> Floats:
        """Return clean chunks, (B, T, Da), from `x`, (B, T, Da), noise at `levels[0]`."""
        first, *later = self.levels
        clean = denoise(x, first)
        for level in later:
            eps = rng.standard_normal(x.shape, dtype=np.float32)
            clean = denoise(self.schedule.noised(clean, level, eps), level)
        return clean
