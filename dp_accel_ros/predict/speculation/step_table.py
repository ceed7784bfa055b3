# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The steps of the base sampler as arrays, so that many steps at once are one array operation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.predict.samplers.ddpm import posterior_steps
from dp_accel_ros.predict.schedule import Floats, NoiseSchedule


@dataclass(frozen=True, slots=True, eq=False)
class StepTable:
    """x_next = of_denoised * denoised + of_x * x + noise * xi for each of N steps.

    With the signal-to-noise ratio snr = (alpha / sigma)² and y = precision * x the same step is

        y_next = y + rise² * denoised + rise * xi,    rise² = snr_next - snr

    (stochastic localisation), a plain sum over steps. Two estimates `denoised` that differ by d
    give means that lie rise * |d| standard deviations apart.
    """

    levels: NDArray[np.int64]
    """Level that each step starts from, falling."""

    factors: NDArray[np.float32]
    """of_denoised, of_x and noise, the standard deviation, (N, 3); the last step's noise is 0."""

    precision: NDArray[np.float32]
    """alpha / sigma² of the level that each step starts from."""

    snr: NDArray[np.float32]
    """Signal-to-noise ratio (alpha / sigma)² of that level."""

    rise: NDArray[np.float32]
    """Root of the gain in signal-to-noise ratio; the last step's is infinite and stands as 0."""

    def __len__(self) -> int:
        return len(self.levels)

    def stepped(self, steps: NDArray[np.int64], denoised: Floats, x: Floats, xi: Floats) -> Floats:
        """Return x_next (R, T, Da) of the steps (R,), in the same arithmetic as `Ddpm`."""
        of_denoised, of_x, noise = self.factors[steps].T[..., None, None]
        x_next = of_denoised * denoised + of_x * x
        x_next += noise * xi
        return x_next


@lru_cache(maxsize=64)
def step_table(schedule: NoiseSchedule, levels: tuple[int, ...]) -> StepTable:
    """Return the table of the DDPM steps that start from `levels`."""
    factors = np.array(posterior_steps(schedule, levels))[:, 1:]
    at = np.array(levels)
    alphas, sigmas = schedule.alphas[at], schedule.sigmas[at]
    snr = (alphas / sigmas) ** 2
    rise = np.sqrt(np.append(np.diff(snr), 0.0))
    parts = (_frozen(values) for values in (factors, alphas / sigmas**2, snr, rise))
    return StepTable(at, *parts)


def _frozen(numbers: NDArray[np.float64]) -> NDArray[np.float32]:
    array = numbers.astype(np.float32)
    array.setflags(write=False)
    return array
