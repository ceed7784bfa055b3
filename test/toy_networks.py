# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Small denoising networks whose exact answers are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.schedule import NoiseSchedule, squared_cosine

SCHEDULE = squared_cosine(100)


class CountingNetwork:
    """Wraps a network and notes at which times it was called."""

    def __init__(self, network) -> None:
        self.network = network
        self.times: list[np.ndarray] = []

    def __call__(self, x: np.ndarray, t: np.ndarray, cond: np.ndarray) -> np.ndarray:
        self.times.append(t)
        return self.network(x, t, cond)


def smooth_network(x: np.ndarray, t: np.ndarray, cond: np.ndarray) -> np.ndarray:
    """An arbitrary smooth function that exceeds the clip range, as a trained network does."""
    time = (t / 100)[:, None, None]
    shift = cond.mean(axis=(1, 2))[:, None, None]
    return (np.tanh(1.3 * x + shift) + 0.5 * np.sin(3 * x - time) + 0.2 * time).astype(np.float32)


@dataclass(frozen=True)
class GaussianNetwork:
    """The exact noise estimate when clean chunks are N(mean, std²) in every number."""

    mean: float
    std: float
    schedule: NoiseSchedule = SCHEDULE

    def __call__(self, x: np.ndarray, t: np.ndarray, cond: np.ndarray) -> np.ndarray:
        """Return E[eps | x] = sigma (x - alpha mean) / (alpha² std² + sigma²)."""
        levels = t.astype(int)
        alpha = self.schedule.alphas[levels][:, None, None]
        sigma = self.schedule.sigmas[levels][:, None, None]
        eps = sigma * (x - alpha * self.mean) / (alpha**2 * self.std**2 + sigma**2)
        return eps.astype(np.float32)


def denoise_with(network, *, clip: bool = True, n_rows: int = 1):
    """Return x, level -> denoised for an epsilon network under a condition of zeros."""
    return Denoiser(network, SCHEDULE, "epsilon", clip).given(np.zeros((n_rows, 2, 3), np.float32))


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    """Return standard normal float32 numbers."""
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
