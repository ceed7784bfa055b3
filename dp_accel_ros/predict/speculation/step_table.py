# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The steps of the base sampler as arrays, so that many steps at once are one array operation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.predict.samplers.ddpm import posterior_steps
from dp_accel_ros.predict.schedule import NoiseSchedule


@dataclass(frozen=True, slots=True, eq=False)
class StepTable:
    """x_next = of_denoised * denoised + of_x * x + noise * xi for every step, (N,) each.

    With the signal-to-noise ratio snr = (alpha / sigma)² and y = precision * x the same step is

        y_next = y + rise² * denoised + rise * xi,    rise² = snr_next - snr

    (stochastic localisation), a plain sum over steps. Two estimates `denoised` that differ by d
    give means that lie rise * |d| standard deviations apart.
    """

    levels: NDArray[np.int64]
    """Level that each step starts from, falling."""

    of_denoised: NDArray[np.float32]
    of_x: NDArray[np.float32]
    noise: NDArray[np.float32]
    """Standard deviation of a step; 0 for the last one alone."""

    precision: NDArray[np.float32]
    """alpha / sigma² of the level that each step starts from."""

    rise: NDArray[np.float32]
    """Root of the gain in signal-to-noise ratio; the last step's is infinite and stands as 0."""

    def __len__(self) -> int:
        return len(self.levels)


@lru_cache(maxsize=64)
def step_table(schedule: NoiseSchedule, levels: tuple[int, ...]) -> StepTable:
    """Return the table of the DDPM steps that start from `levels`."""
    _, of_denoised, of_x, noise = np.array(posterior_steps(schedule, levels)).T
    at = np.array(levels)
    alphas, sigmas = schedule.alphas[at], schedule.sigmas[at]
    rise = np.sqrt(np.append(np.diff((alphas / sigmas) ** 2), 0.0))
    columns = (of_denoised, of_x, noise, alphas / sigmas**2, rise)
    return StepTable(at, *(_frozen(column) for column in columns))


def _frozen(column: NDArray[np.float64]) -> NDArray[np.float32]:
    array = column.astype(np.float32)
    array.setflags(write=False)
    return array
