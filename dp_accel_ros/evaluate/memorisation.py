# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a rollout replays one demonstration or does something of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import ConfigError, ShapeError


@dataclass(frozen=True, slots=True)
class Memorisation:
    """The two demonstrations nearest to a rollout, and how much nearer the first is."""

    nearest: int
    """Index of the demonstration nearest to the rollout."""

    second: int
    """Index of the next nearest."""

    distance: float
    """From the rollout to the nearest demonstration, in the unit of the positions."""

    spread: float
    """Between the two demonstrations."""

    @property
    def score(self) -> float:
        """S = 1 - distance / spread: 1 is a replay, 0 and below prefers no demonstration."""
        if self.spread == 0.0:
            return 1.0 if self.distance == 0.0 else -np.inf
        return 1.0 - self.distance / self.spread


def memorisation(
    rollout: NDArray[np.floating], demonstrations: Sequence[NDArray[np.floating]]
) -> Memorisation:
    """Return how much of a rollout is one demonstration.

    Args:
        rollout: End-effector positions of one episode, (T, P).
        demonstrations: The same of each demonstration, (T_i, P); at least two.
    """
    if len(demonstrations) < 2:
        raise ConfigError(f"expected at least 2 demonstrations, got {len(demonstrations)}")
    distances = np.array([trajectory_distance(rollout, one) for one in demonstrations])
    nearest, second = np.argsort(distances, kind="stable")[:2].tolist()
    spread = trajectory_distance(demonstrations[nearest], demonstrations[second])
    return Memorisation(nearest, second, float(distances[nearest]), spread)


def trajectory_distance(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Return the mean Euclidean distance of positions (T, P) and (T', P) at equal shares of time.

    Durations are stretched to each other, so that a slower replay still is one.
    """
    for name, path in (("one", one), ("other", other)):
        if path.ndim != 2 or not len(path) or path.shape[1] != one.shape[-1]:
            raise ShapeError(f"`{name}`", f"positions (T, {one.shape[-1]})", path.shape)
    n = max(len(one), len(other))
    gaps = _stretched(one, n) - _stretched(other, n)
    return float(np.linalg.norm(gaps, axis=1).mean())


def _stretched(path: NDArray[np.floating], n: int) -> NDArray[np.float64]:
    """Return positions at `n` evenly spaced shares of the time, (n, P)."""
    at, known = np.linspace(0.0, 1.0, n), np.linspace(0.0, 1.0, len(path))
    return np.stack([np.interp(at, known, column) for column in path.T], axis=1)
