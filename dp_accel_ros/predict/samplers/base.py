# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What every sampler offers, and the grids of levels that samplers step over."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple, Protocol, Self

import numpy as np

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.denoiser import Denoise
from dp_accel_ros.predict.schedule import CLEAN, Floats, NoiseSchedule


class Sampler(Protocol):
    """A solver of the reverse diffusion as its hyper-parameters; it remembers nothing."""

    @property
    def levels(self) -> tuple[int, ...]:
        """Level that each step starts from, falling; the last step ends in the clean chunk."""
        ...

    @property
    def n_steps(self) -> int:
        """Steps of which a leap may skip all but one; most samplers evaluate once a step."""
        ...

    @property
    def nfe(self) -> int:
        """Network evaluations per chunk."""
        ...

    def last(self, n: int) -> Self:
        """Return the sampler that makes only the last `n` of its steps."""
        ...

    def sample(self, denoise: Denoise, x: Floats, rng: np.random.Generator) -> Floats:
        """Return clean chunks, (B, T, Da), from `x`, (B, T, Da), noise at `levels[0]`."""
        ...


class Deterministic(Sampler, Protocol):
    """A solver that draws nothing, so that its trajectory can be left at a step and taken up again."""

    @property
    def multistep(self) -> bool:
        """True when a step also uses what earlier steps found, which is lost where one starts anew."""
        ...

    def first(self, n: int) -> Self:
        """Return the sampler that makes only the first `n` of its steps and ends in noise."""
        ...


class LinearStep(NamedTuple):
    """x_next = of_denoised * denoised + of_x * x + noise * xi."""

    level: int
    of_denoised: float
    of_x: float
    noise: float


def leading_levels(schedule: NoiseSchedule, num_inference_steps: int) -> tuple[int, ...]:
    """Return evenly spaced levels down to 0, as diffusers' `leading` spacing places them."""
    if not 1 <= num_inference_steps <= len(schedule):
        rule = f"between 1 and {len(schedule)} (`num_train_timesteps`)"
        raise ConfigError(f"`num_inference_steps` must be {rule}, got {num_inference_steps}")
    stride = len(schedule) // num_inference_steps
    return tuple(range(stride * (num_inference_steps - 1), -1, -stride))


def check_levels(schedule: NoiseSchedule, levels: tuple[int, ...], end: int = CLEAN) -> None:
    """Raise `ConfigError` unless the levels fall, exist in the schedule and lie above the end."""
    falls = all(high > low for high, low in pairwise(levels))
    if not levels or not falls or levels[0] >= len(schedule) or levels[-1] < 0:
        raise ConfigError(f"`levels` must fall within {len(schedule) - 1} to 0, got {levels}")
    if not CLEAN <= end < levels[-1]:
        below = f"{CLEAN} (clean), or a level below the last of `levels`"
        raise ConfigError(f"`end` must be {below}, got {end} after {levels[-1]}")


def last_levels(levels: tuple[int, ...], n: int) -> tuple[int, ...]:
    """Return the last `n` levels."""
    if not 1 <= n <= len(levels):
        raise ConfigError(f"`n` must be between 1 and {len(levels)} steps, got {n}")
    return levels[-n:]


def first_levels(levels: tuple[int, ...], n: int) -> tuple[tuple[int, ...], int]:
    """Return the first `n` levels, and the one in which the step from the last of them ends."""
    if not 1 <= n < len(levels):
        raise ConfigError(f"`n` must be between 1 and {len(levels) - 1} steps, got {n}")
    return levels[:n], levels[n]


def remaining_steps(leap_ratio: float, n_steps: int) -> int:
    """Return how many of `n_steps` remain after a leap over a fraction of them, at least 1."""
    return max(1, n_steps - round(leap_ratio * n_steps))


def transitions(levels: tuple[int, ...], end: int = CLEAN) -> list[tuple[int, int]]:
    """Return the steps as pairs of levels; the last one ends in `end`."""
    return list(pairwise((*levels, end)))
