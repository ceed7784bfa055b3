# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The noise schedule: how much of the clean chunk and how much noise is left at each level.

    x_level = alphas[level] * x0 + sigmas[level] * eps,    eps ~ N(0, I)

Level 0 is the cleanest and the last level the noisiest; sampling runs from high levels to low ones
and ends in the clean chunk itself, which is no level (`CLEAN`: alpha 1, sigma 0).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import ConfigError, ShapeError, UnknownNameError
from dp_accel_ros.manifest.parts import KarrasSchedule, Schedule

Floats = NDArray[np.floating]
"""Float32 in practice; numpy's own hints lose that when an array is scaled by a Python float."""

CLEAN = -1
"""The level after the last step: alpha 1, sigma 0."""


@dataclass(frozen=True, slots=True, eq=False)
class NoiseSchedule:
    """Levels of noise; variance preserving (alpha² + sigma² = 1) or exploding (alpha = 1)."""

    alphas: NDArray[np.float64]
    """Factor on the clean chunk, (L,), index 0 cleanest; read-only."""

    sigmas: NDArray[np.float64]
    """Standard deviation of the noise, (L,), rising; read-only."""

    network_times: NDArray[np.float32]
    """What the network is told for each level, (L,); read-only."""

    def __post_init__(self) -> None:
        for name in ("alphas", "sigmas", "network_times"):
            dtype = np.float32 if name == "network_times" else np.float64
            # A copy: whoever built the arrays cannot change the schedule afterwards.
            array = np.array(getattr(self, name), dtype=dtype)
            if array.shape != np.shape(self.alphas) or array.ndim != 1:
                raise ShapeError(f"`{name}`", f"shape {np.shape(self.alphas)}", array.shape)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        # DPM-Solver++ divides by steps of its logarithm, so no two levels may be equal.
        ratio = self.sigmas / self.alphas
        if not (np.isfinite(ratio).all() and (ratio > 0).all() and (np.diff(ratio) > 0).all()):
            raise ConfigError(
                "`sigmas` / `alphas` must be positive, finite and rise with the level"
            )

    def __len__(self) -> int:
        return len(self.alphas)

    def at(self, level: int) -> tuple[float, float]:
        """Return alpha and sigma of a level, or of `CLEAN`."""
        if level == CLEAN:
            return 1.0, 0.0
        return float(self.alphas[level]), float(self.sigmas[level])

    def noised(self, clean: Floats, level: int, eps: Floats) -> Floats:
        """Return the clean chunk (B, T, Da) with noise `eps` of the same shape at a level."""
        alpha, sigma = self.at(level)
        return alpha * clean + sigma * eps


def squared_cosine(num_train_timesteps: int = 100) -> NoiseSchedule:
    """Return diffusers' `squaredcos_cap_v2` (Nichol & Dhariwal 2021, eq. 17); level = timestep."""
    u = np.arange(num_train_timesteps + 1) / num_train_timesteps
    # The offset keeps the first betas from being vanishingly small (sec. 3.2 there).
    f = np.cos((u + 0.008) / 1.008 * np.pi / 2) ** 2
    # Uncapped, the last beta is 1: nothing of the clean chunk would be left to divide by.
    betas = np.minimum(1.0 - f[1:] / f[:-1], 0.999)
    alpha_bar = np.cumprod(1.0 - betas)
    times = np.arange(num_train_timesteps)
    return NoiseSchedule(np.sqrt(alpha_bar), np.sqrt(1.0 - alpha_bar), times.astype(np.float32))


def karras(
    sigma_min: float = 0.02,
    sigma_max: float = 80.0,
    rho: float = 7.0,
    bins: int = 80,
    time_scale: float = 1.0,
) -> NoiseSchedule:
    """Return EDM's levels: alpha 1, sigma ** (1 / rho) evenly spaced (Karras et al. 2022, eq. 5).

    The network is told c_noise = `time_scale` * ln(sigma) / 4; EDM scales by 1, Consistency Policy
    by 1000, which a sinusoidal embedding made for timesteps resolves better.
    """
    # From low to high, where the papers count down: level 0 is the cleanest in every schedule.
    roots = np.linspace(sigma_min ** (1 / rho), sigma_max ** (1 / rho), bins)
    sigmas = roots**rho
    times = time_scale * np.log(sigmas) / 4
    return NoiseSchedule(np.ones(bins), sigmas, times.astype(np.float32))


BETA_SCHEDULES = {"squaredcos_cap_v2": squared_cosine}


def schedule_from(facts: Schedule | KarrasSchedule) -> NoiseSchedule:
    """Return the schedule that a manifest describes."""
    if isinstance(facts, KarrasSchedule):
        return karras(facts.sigma_min, facts.sigma_max, facts.rho, facts.bins, facts.time_scale)
    if facts.beta_schedule not in BETA_SCHEDULES:
        raise UnknownNameError("beta schedule", facts.beta_schedule, BETA_SCHEDULES)
    return BETA_SCHEDULES[facts.beta_schedule](facts.num_train_timesteps)
