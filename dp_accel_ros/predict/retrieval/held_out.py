# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Held-out look-ups: what a store would find for frames if it did not hold their episode."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.retrieval.base import Neighbours

NOTHING = slice(0, 0)
"""What is left out for an episode that the store does not hold."""


def nearest_elsewhere(
    keys: NDArray[np.float32], ends: NDArray[np.int64], k: int = 1
) -> Neighbours:
    """Return the `k` nearest rows of other episodes for each of the keys (N, K).

    Args:
        keys: One row a frame.
        ends: Row after the last frame of each episode, (E,).
        k: Neighbours of each frame.
    """
    own = [slice(*pair) for pair in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)]
    return nearest_outside(keys, ends, keys, own, k)


def nearest_outside(
    queries: NDArray[np.float32],
    ends: NDArray[np.int64],
    keys: NDArray[np.float32],
    left_out: Sequence[slice],
    k: int = 1,
) -> Neighbours:
    """Return the `k` nearest of the keys (N, K), some left out, for each of the queries (Q, K).

    Frames of the same episode are near-duplicates and would say nothing of unseen scenes.

    Args:
        queries: One row a frame.
        ends: Row after the last frame of each episode of the queries, (E,).
        keys: One row a frame of the store.
        left_out: For each of these episodes the rows of `keys` that it must not find.
        k: Neighbours of each frame.
    """
    fewest = len(keys) - max(rows.stop - rows.start for rows in left_out)
    if not 1 <= k <= fewest:
        raise ConfigError(
            f"`k` must be between 1 and {fewest}, the frames outside of the longest of"
            f" {len(ends)} episodes, got {k}"
        )
    squares = np.einsum("nk,nk->n", keys, keys)
    rows = np.empty((len(queries), k), dtype=np.int64)
    distances = np.empty((len(queries), k), dtype=np.float32)
    starts = np.concatenate([[0], ends[:-1]])
    for start, end, own in zip(starts, ends, left_out, strict=True):
        ranks = squares - 2.0 * queries[start:end] @ keys.T  # (n, N), |q|² left out
        ranks[:, own] = np.inf
        # A partition takes ten times as long as the minimum.
        one = ranks.argmin(axis=1)[:, None]
        found = one if k == 1 else np.argpartition(ranks, k - 1, axis=1)[:, :k]
        gaps = keys[found] - queries[start:end, None]  # (n, k, K); the ranks cancel in float32
        measured = np.sqrt(np.einsum("nkd,nkd->nk", gaps, gaps))
        order = np.lexsort((found, measured))
        rows[start:end] = np.take_along_axis(found, order, axis=1)
        distances[start:end] = np.take_along_axis(measured, order, axis=1)
    return Neighbours(distances, rows)
