# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Search with FAISS: exact and flat, or an approximate graph for large stores."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.predict.retrieval.base import Neighbours, check_search

# Wide enough for a recall of .99, to which the tests hold it; a search costs less than 1000
# comparisons with some thousand keys, and hardly more with ten times as many.
HNSW_LINKS = 32
HNSW_SEARCH_WIDTH = 64


class FaissIndex:
    """A FAISS index over keys, searched by one thread."""

    def __init__(self, index: Any, keys: NDArray[np.float32]) -> None:
        # The other nodes need the cores more than a search that takes less than a millisecond.
        faiss.omp_set_num_threads(1)
        self._index = index
        self._index.add(np.ascontiguousarray(keys, dtype=np.float32))

    @classmethod
    def flat(cls, keys: NDArray[np.float32]) -> FaissIndex:
        """Return an exact index of keys (N, K)."""
        return cls(faiss.IndexFlatL2(keys.shape[1]), keys)

    @classmethod
    def hnsw(cls, keys: NDArray[np.float32]) -> FaissIndex:
        """Return an approximate graph index of keys (N, K)."""
        index = faiss.IndexHNSWFlat(keys.shape[1], HNSW_LINKS)
        index.hnsw.efSearch = HNSW_SEARCH_WIDTH
        return cls(index, keys)

    def search(self, queries: NDArray[np.float32], k: int) -> Neighbours:
        """Return the `k` nearest rows of each query, (B, K); a tie at the k-th place is open."""
        check_search(queries, k, self._index.ntotal, self._index.d)
        squared, rows = self._index.search(np.ascontiguousarray(queries, dtype=np.float32), k)
        # FAISS returns equal distances in the order in which it met them, `NumpyIndex` by row.
        order = np.lexsort((rows, squared))
        squared, rows = (np.take_along_axis(array, order, axis=1) for array in (squared, rows))
        return Neighbours(np.sqrt(np.maximum(squared, 0.0)), rows)
