# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Policies under EDM's noise whose clean estimate, or whose whole trajectory, is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.preconditioning import Preconditioning
from dp_accel_ros.predict.schedule import karras

LEVELS = karras()
SIGMA_DATA = 0.5
END = LEVELS.sigmas[0]


def sigma_of(times: np.ndarray) -> np.ndarray:
    """Return the noise that network times (B,) stand for, (B, 1, 1)."""
    return np.exp(4 * times.astype(np.float64))[:, None, None]


@dataclass(frozen=True)
class VeMixture:
    """Chunks of one action of (D,) numbers from a mixture; predicts what an EDM network would."""

    means: np.ndarray  # (M, D)
    weights: tuple[float, ...] = (0.4, 0.3, 0.2, 0.1)
    std: float = 0.05

    def __call__(self, x: np.ndarray, t: np.ndarray, cond: np.ndarray) -> np.ndarray:
        scaling, sigma = Preconditioning(SIGMA_DATA), sigma_of(t)
        noisy = x / scaling.of_input(sigma)
        clean = self.denoised(noisy, sigma)
        return ((clean - scaling.of_x(sigma) * noisy) / scaling.of_prediction(sigma)).astype("f4")

    def denoised(self, x: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        """Return E[clean | x], (B, 1, D), at noise (B, 1, 1)."""
        variance = self.std**2 + sigma[:, 0] ** 2  # (B, 1)
        scores = -((x - self.means) ** 2).sum(axis=2) / (2 * variance) + np.log(self.weights)
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        mean = odds @ self.means / odds.sum(axis=1, keepdims=True)  # (B, D)
        return (mean + self.std**2 / variance * (x[:, 0] - mean))[:, None]

    def modes(self, chunks: np.ndarray) -> np.ndarray:
        """Return the mode that each chunk (B, 1, D) is nearest to, (B,)."""
        return ((chunks - self.means) ** 2).sum(axis=2).argmin(axis=1)

    def denoiser(self, network=None) -> Denoiser:
        return Denoiser(network or self, LEVELS, "edm", clip=False, sigma_data=SIGMA_DATA)


@dataclass(frozen=True)
class GaussianStudent:
    """Predicts what a perfect consistency student would when clean numbers are N(mean, std²)."""

    mean: float
    std: float

    def __call__(self, x: np.ndarray, t: np.ndarray, cond: np.ndarray) -> np.ndarray:
        scaling, sigma = Preconditioning(SIGMA_DATA, boundary=END), sigma_of(t)
        sigma = np.maximum(sigma, 1.0001 * END)  # at the lowest level any prediction is right
        noisy, kept = x / scaling.of_input(sigma), END / sigma
        g = (self.landing(noisy, sigma) - kept * noisy) / (1 - kept)
        return ((g - scaling.of_x(sigma) * noisy) / scaling.of_prediction(sigma)).astype("f4")

    def landing(self, x: np.ndarray, sigma: np.ndarray | float, end: float = END) -> np.ndarray:
        """Return where the trajectory through x at noise sigma passes noise `end`."""
        spread = np.hypot(self.std, end) / np.hypot(self.std, sigma)
        return self.mean + spread * (x - self.mean)

    def denoiser(self, network=None) -> Denoiser:
        return Denoiser(network or self, LEVELS, "consistency", clip=False, sigma_data=SIGMA_DATA)
