# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A function of single rows that is asked about the same few rows again and again."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

import numpy as np

from dp_accel_ros.predict.schedule import Floats

Tokens = TypeVar("Tokens")
"""An array of whichever library the network is of."""


class TokenMemory(Generic[Tokens]):
    """Remembers what a function gave for the rows that were asked about last; thread-safe."""

    def __init__(
        self,
        function: Callable[[Floats], Tokens],
        join: Callable[[list[Tokens]], Tokens],
        n_kept: int,
    ) -> None:
        """Wrap a function from one row, (1, ...), to its tokens, (1, n, M); `join` stacks them."""
        self._function, self._join, self._n_kept = function, join, n_kept
        self._known: dict[bytes, Tokens] = {}  # the oldest answer first
        self._lock = Lock()

    def of(self, rows: Floats) -> Tokens:
        """Return the tokens, (B, n, M), of rows, (B, ...)."""
        return self._join([self._tokens(rows[i : i + 1]) for i in range(len(rows))])

    def _tokens(self, row: Floats) -> Tokens:
        key = row.tobytes()
        with self._lock:
            tokens = self._known.pop(key, None)
            if tokens is not None:
                # Out and in again: a dict keeps its order, and what comes first is forgotten.
                self._known[key] = tokens
                return tokens
        # Not under the lock: two threads may then compute the same row, but neither waits.
        tokens = self._function(np.ascontiguousarray(row))
        with self._lock:
            self._known[key] = tokens
            if len(self._known) > self._n_kept:
                del self._known[next(iter(self._known))]
        return tokens
