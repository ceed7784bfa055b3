# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Retrieval: from a condition to the expert chunks that followed similar ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.predict.retrieval.base import Index, Neighbours
from dp_accel_ros.predict.retrieval.numpy_index import NumpyIndex
from dp_accel_ros.predict.retrieval.store import RetrievalStore


def _faiss(keys: NDArray[np.float32]) -> Index:
    from dp_accel_ros.predict.retrieval.faiss_index import FaissIndex

    return FaissIndex.flat(keys)


def _faiss_hnsw(keys: NDArray[np.float32]) -> Index:
    from dp_accel_ros.predict.retrieval.faiss_index import FaissIndex

    return FaissIndex.hnsw(keys)


INDEXES: dict[str, Callable[[NDArray[np.float32]], Index]] = {
    "numpy": NumpyIndex,
    "faiss": _faiss,
    "faiss_hnsw": _faiss_hnsw,
}
"""Name to what builds an index of keys, (N, K); FAISS is imported only when it is asked for."""

__all__ = ["INDEXES", "Index", "Neighbours", "NumpyIndex", "RetrievalStore"]
