# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Exact search in plain numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.predict.retrieval.base import Neighbours, check_search


class NumpyIndex:
    """Compares with every key: one matrix product ranks, the best few are then measured exactly.

    |q - k|² = |q|² - 2 q.k + |k|² cancels in float32 when q is near k, so it serves only to leave
    out the rows that cannot be among the nearest.
    """

    def __init__(self, keys: NDArray[np.float32]) -> None:
        self._keys = np.ascontiguousarray(keys, dtype=np.float32)  # (N, K)
        self._squared_norms = np.einsum("nk,nk->n", self._keys, self._keys)  # (N,)
        self._largest_norm = float(np.sqrt(self._squared_norms.max()))

    def search(self, queries: NDArray[np.float32], k: int) -> Neighbours:
        """Return the `k` nearest rows of each query, (B, K)."""
        check_search(queries, k, *self._keys.shape)
        # |q|² is the same for all rows of a query, so ranking does without it.
        scores = self._squared_norms - 2.0 * (queries @ self._keys.T)  # (B, N)
        found = [self._nearest(*pair, k) for pair in zip(queries, scores, strict=True)]
        return Neighbours(np.stack([d for d, _ in found]), np.stack([rows for _, rows in found]))

    def _nearest(
        self, query: NDArray[np.float32], scores: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        kth_best = scores.min() if k == 1 else np.partition(scores, k - 1)[k - 1]
        candidates = np.flatnonzero(scores <= kth_best + 2.0 * self._score_error(query))
        gaps = self._keys[candidates].astype(np.float64) - query
        distances = np.sqrt(np.einsum("nk,nk->n", gaps, gaps))
        # A stable sort keeps rows with equal distances in their order.
        order = np.argsort(distances, kind="stable")[:k]
        return distances[order].astype(np.float32), candidates[order]

    def _score_error(self, query: NDArray[np.float32]) -> float:
        """Bound of a score's rounding error (Higham 2002, eq. 3.5, doubled for the other sums)."""
        unit = float(np.finfo(np.float32).eps)
        norm = float(np.linalg.norm(query))
        return 2.0 * unit * (len(query) + 4) * (norm + self._largest_norm) ** 2
