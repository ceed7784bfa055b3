# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What every nearest-neighbour index offers."""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import ConfigError, ShapeError

Number = TypeVar("Number", float, NDArray[np.float32])


class Neighbours(NamedTuple):
    """The nearest stored rows of each query, nearest first."""

    distances: NDArray[np.float32]
    """Euclidean distances, (B, k)."""

    rows: NDArray[np.int64]
    """Rows of the store, (B, k); equal distances in the order of the rows."""


class Index(Protocol):
    """Keys that can be searched; safe to share between threads."""

    def search(self, queries: NDArray[np.float32], k: int) -> Neighbours:
        """Return the `k` nearest rows of each query, (B, K)."""
        ...


def check_search(queries: NDArray[np.float32], k: int, n_rows: int, dim: int) -> None:
    """Raise unless the queries are (B, dim) and there are `k` rows to find."""
    if queries.ndim != 2 or queries.shape[1] != dim:
        raise ShapeError("`queries`", f"shape (B, {dim})", queries.shape)
    if not 1 <= k <= n_rows:
        raise ConfigError(f"`k` must be between 1 and {n_rows} stored rows, got {k}")


def cosine(distance: Number) -> Number:
    """Return the cosine similarity of unit vectors at a Euclidean distance: ||a - b||² = 2 - 2 cos."""
    return 1.0 - distance**2 / 2.0
