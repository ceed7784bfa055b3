# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A policy whose chunks are a mixture of Gaussians, with its exact clean estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from toy_networks import SCHEDULE

from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.samplers import Ddpm
from dp_accel_ros.predict.speculation.drafters import Path, Window
from dp_accel_ros.predict.speculation.draws import Draws
from dp_accel_ros.predict.speculation.rounds import Speculation
from dp_accel_ros.predict.speculation.rules import RULES, Settings
from dp_accel_ros.predict.speculation.step_table import step_table
from dp_accel_ros.predict.speculation.target import Target

SHAPES = {2: (1, 2), 20: (5, 4), 100: (10, 10)}
"""Numbers in a chunk to its shape (Tp, Da)."""

WEIGHTS = (0.4, 0.3, 0.2, 0.1)
LEVELS = tuple(range(99, -1, -1))
TABLE = step_table(SCHEDULE, LEVELS)


@dataclass(frozen=True)
class Mixture:
    """Predicts the clean chunk; its four modes move with the condition."""

    means: np.ndarray  # (M, D)
    weights: tuple[float, ...] = WEIGHTS
    std: float = 0.05

    @classmethod
    def of_size(cls, size: int) -> Mixture:
        return cls(np.random.default_rng(0).uniform(-0.8, 0.8, (4, size)))

    def __call__(self, x: np.ndarray, t: np.ndarray, cond: np.ndarray) -> np.ndarray:
        levels = t.astype(int)
        alpha, sigma = SCHEDULE.alphas[levels, None], SCHEDULE.sigmas[levels, None]
        shift = 0.1 * np.tanh(cond.mean(axis=(1, 2)))[:, None]
        centred = x.reshape(len(x), -1) - alpha * shift
        variance = alpha**2 * self.std**2 + sigma**2
        scores = alpha * (centred @ self.means.T) - 0.5 * alpha**2 * (self.means**2).sum(axis=1)
        odds = np.array(self.weights) * np.exp(
            (scores - scores.max(axis=1, keepdims=True)) / variance
        )
        mean = odds @ self.means / odds.sum(axis=1, keepdims=True)
        clean = mean + alpha * self.std**2 / variance * (centred - alpha * mean) + shift
        return clean.reshape(x.shape).astype(np.float32)

    @property
    def size(self) -> int:
        return self.means.shape[1]

    @property
    def chunk_shape(self) -> tuple[int, int]:
        return SHAPES[self.size]

    def denoiser(self, network=None) -> Denoiser:
        """Return the denoiser; `network` may stand before the mixture, to count calls say."""
        return Denoiser(network or self, SCHEDULE, "sample", clip=False)

    def base_run(self, n: int, seed: int) -> np.ndarray:
        """Return chunks (n, D) of the base sampler under a condition of zeros."""
        rng = np.random.default_rng(seed)
        noise = rng.standard_normal((n, *self.chunk_shape), dtype=np.float32)
        denoise = self.denoiser().given(np.zeros((1, 1, 1), np.float32))
        return Ddpm(SCHEDULE, LEVELS).sample(denoise, noise, rng).reshape(n, -1)

    def modes(self, chunks: np.ndarray) -> np.ndarray:
        """Return the mode that each chunk (n, D) is nearest to, (n,)."""
        apart = chunks.reshape(len(chunks), 1, -1) - self.means
        return (apart**2).sum(axis=2).argmin(axis=1)

    def mode_weights(self, chunks: np.ndarray) -> np.ndarray:
        return np.bincount(self.modes(chunks), minlength=4) / len(chunks)


@dataclass(frozen=True)
class NetworkDrafter:
    """Drafts with another denoiser, state after state, as a distilled network does."""

    denoiser: Denoiser
    name: str = "network"
    needs: str = "nothing"

    def opening(self, condition, previous) -> None:
        """Make no guess."""

    def path(self, window: Window) -> Path:
        table, states, estimates = window.table, [window.x], []
        denoise = self.denoiser.given(window.condition)
        for k in range(window.size):
            steps = window.steps[:, k]
            estimates.append(denoise(states[-1], table.levels[steps]))
            states.append(table.stepped(steps, estimates[-1], states[-1], window.noise[:, k]))
        none = np.zeros((len(window.x), 0, *window.x.shape[1:]), np.float32)
        return Path(np.stack(states, 1), np.stack(estimates, 1) if estimates else none)


def speculation(drafter, accept="exact", *, bonus=True, sigma_scale=1.0, threshold=1.0):
    """Return the 100 steps of `SCHEDULE` to be made in rounds."""
    n = len(TABLE)
    settings = Settings(np.full(n, sigma_scale), np.full(n, threshold))
    rule = RULES[accept]
    return Speculation(table=TABLE, drafter=drafter, rule=rule, settings=settings, bonus=bonus)


def lengths(draft_length: int, n: int) -> np.ndarray:
    """Return one draft length for every step of `n` rows."""
    return np.full((n, len(TABLE)), draft_length)


def run(made, mixture, draft_length, n, seed=1, opening=None, network=None, condition=None):
    """Return the finished chains of a `Speculation` on a mixture."""
    condition = np.zeros((n, 1, 1), np.float32) if condition is None else condition
    target = Target(mixture.denoiser(network), condition)
    draws = Draws.drawn(np.random.default_rng(seed), n, len(TABLE), mixture.chunk_shape)
    return made.sample(target, draws, lengths(draft_length, n), opening)
