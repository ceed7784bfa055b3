# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The most similar demonstrations: of several near frames, the best one of each episode."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.predict.retrieval.base import Index, Neighbours

FIRST_LOOK = 64
"""Rows that are asked for first: the frames of one episode resemble each other, so a few
neighbours are often all of one."""


def nearest_episodes(
    index: Index, queries: NDArray[np.float32], ends: NDArray[np.int64], n: int
) -> Neighbours:
    """Return the nearest row of each of the `n` nearest episodes, (B, n), nearest first.

    Args:
        index: Search over the rows of all episodes.
        queries: Keys, (B, K).
        ends: Row after the last frame of each episode, (E,).
        n: Episodes wanted; all of them if there are fewer.
    """
    n_rows, n = int(ends[-1]), min(n, len(ends))
    k = 1 if n == 1 else min(FIRST_LOOK, n_rows)
    while True:
        found = index.search(queries, k)
        firsts = [_first_of_each(row, ends, n) for row in found.rows]
        if k == n_rows or all(len(first) == n for first in firsts):
            # A graph index may miss rows even when it is asked for all of them.
            chosen = np.stack([first[: min(map(len, firsts))] for first in firsts])
            distances = np.take_along_axis(found.distances, chosen, axis=1)
            return Neighbours(distances, np.take_along_axis(found.rows, chosen, axis=1))
        k = min(4 * k, n_rows)


def _first_of_each(rows: NDArray[np.int64], ends: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return where the first row of each of the first `n` episodes stands."""
    present = rows[rows >= 0]  # FAISS fills up with -1
    _, first = np.unique(np.searchsorted(ends, present, side="right"), return_index=True)
    return np.sort(first)[:n]
