# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""How demonstrated chunks differ where observations are alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.predict.retrieval.held_out import nearest_outside
from dp_accel_ros.predict.schedule import Floats

N_FRAMES = 1000
"""Frames that are compared with their nearest of another episode; more take long to load."""


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """A covariance of flattened chunks, in its own axes."""

    axes: NDArray[np.float32]
    """Orthonormal, one a column, (D, D)."""

    variances: NDArray[np.float32]
    """(D,)."""

    @classmethod
    def none(cls, size: int) -> Spread:
        """Return the spread of chunks of `size` numbers that are all the same."""
        return cls(np.eye(size, dtype=np.float32), np.zeros(size, np.float32))

    @classmethod
    def of_pairs(cls, differences: Floats) -> Spread:
        """Return the covariance of a law, given differences (N, D) of two draws each."""
        covariance = differences.T.astype(float) @ differences / (2 * len(differences))
        variances, axes = np.linalg.eigh(covariance)
        return cls(axes.astype(np.float32), np.maximum(variances, 0.0).astype(np.float32))

    def times(self, share: float) -> Spread:
        """Return the covariance multiplied by a number."""
        return Spread(self.axes, self.variances * np.float32(share))

    def gained(self, surprise: Floats, snr: Floats) -> Floats:
        """Return (C^-1 + snr)^-1 s for rows s (R, D) and their snr (R, 1)."""
        gains = self.variances / (1.0 + snr * self.variances)
        return (gains * (surprise @ self.axes)) @ self.axes.T


def spread_of(
    keys: NDArray[np.float32],
    ends: NDArray[np.int64],
    chunks: Callable[[NDArray[np.int64]], Floats],
) -> Spread:
    """Return how the chunks of frames differ from those of their nearest in other episodes.

    Args:
        keys: One row a frame, (N, K).
        ends: Row after the last frame of each episode, (E,).
        chunks: From rows to their chunks, (N, T, Da).
    """
    if len(ends) < 2:  # nobody to be compared with
        return Spread.none(chunks(np.zeros(1, np.int64)).size)
    rows = np.unique(np.linspace(0, len(keys) - 1, N_FRAMES).astype(np.int64))
    own = [slice(*pair) for pair in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)]
    found = nearest_outside(keys[rows], np.searchsorted(rows, ends), keys, own).rows[:, 0]
    return Spread.of_pairs((chunks(rows) - chunks(found)).reshape(len(rows), -1))
