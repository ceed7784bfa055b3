# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A chunk and what was said about its inference come as two messages; only pairs are used."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

A = TypeVar("A")
B = TypeVar("B")


class Pairing(Generic[A, B]):
    """Joins two streams by stamp. One thread calls it.

    A half whose other half never comes is dropped when newer ones have taken its place, so a lost
    message costs one chunk and never lets one through unchecked.
    """

    def __init__(self, n_kept: int = 4) -> None:
        self._n_kept = n_kept
        self._first: OrderedDict[int, A] = OrderedDict()
        self._second: OrderedDict[int, B] = OrderedDict()
        self.dropped = 0
        """Halves that never found the other."""

    def first(self, stamp_ns: int, half: A) -> tuple[A, B] | None:
        """Take one half; return the pair if the other is there."""
        other = self._second.pop(stamp_ns, None)
        if other is not None:
            return half, other
        self._keep(self._first, stamp_ns, half)
        return None

    def second(self, stamp_ns: int, half: B) -> tuple[A, B] | None:
        """Take the other half; return the pair if the first is there."""
        other = self._first.pop(stamp_ns, None)
        if other is not None:
            return other, half
        self._keep(self._second, stamp_ns, half)
        return None

    def clear(self) -> None:
        """Forget the halves that wait."""
        self._first.clear()
        self._second.clear()

    def _keep(self, halves: OrderedDict, stamp_ns: int, half: A | B) -> None:
        # One that is said again goes to the end: the oldest is what makes room.
        halves.pop(stamp_ns, None)
        halves[stamp_ns] = half
        if len(halves) > self._n_kept:
            halves.popitem(last=False)
            self.dropped += 1
