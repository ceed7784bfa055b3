# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Leave one episode out: what the store would find for its own frames without their episode."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.retrieval.base import Neighbours


def nearest_elsewhere(
    keys: NDArray[np.float32], ends: NDArray[np.int64], k: int = 1
) -> Neighbours:
    """Return the `k` nearest rows of other episodes for each of the keys (N, K).

    Frames of the same episode are near-duplicates and would say nothing of unseen scenes.

    Args:
        keys: One row a frame.
        ends: Row after the last frame of each episode, (E,).
        k: Neighbours of each frame.
    """
    starts = np.concatenate([[0], ends[:-1]])
    fewest = len(keys) - int((ends - starts).max())
    if not 1 <= k <= fewest:
        raise ConfigError(
            f"`k` must be between 1 and {fewest}, the frames outside of the longest of"
            f" {len(ends)} episodes, got {k}"
        )
    squares = np.einsum("nk,nk->n", keys, keys)
    rows = np.empty((len(keys), k), dtype=np.int64)
    distances = np.empty((len(keys), k), dtype=np.float32)
    for start, end in zip(starts, ends, strict=True):
        ranks = squares - 2.0 * keys[start:end] @ keys.T  # (n, N), |q|² left out
        ranks[:, start:end] = np.inf
        # A partition takes ten times as long as the minimum.
        one = ranks.argmin(axis=1)[:, None]
        found = one if k == 1 else np.argpartition(ranks, k - 1, axis=1)[:, :k]
        gaps = keys[found] - keys[start:end, None]  # (n, k, K); the ranks cancel in float32
        measured = np.sqrt(np.einsum("nkd,nkd->nk", gaps, gaps))
        order = np.lexsort((found, measured))
        rows[start:end] = np.take_along_axis(found, order, axis=1)
        distances[start:end] = np.take_along_axis(measured, order, axis=1)
    return Neighbours(distances, rows)
