# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""How long each stage of a prediction took, by a clock that the caller brings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

Clock = Callable[[], float]
"""Seconds since any fixed moment, as `time.perf_counter` gives them."""


class StageTimes:
    """Collects seconds per stage for one prediction; without a clock it collects nothing."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock
        self._seconds: dict[str, float] = {}
        self._first: float | None = None

    @property
    def seconds(self) -> Mapping[str, float]:
        """Seconds of the stages that have ended, by name."""
        return MappingProxyType(dict(self._seconds))

    @property
    def elapsed_s(self) -> float | None:
        """Seconds since the first stage began; None without a clock."""
        if self._clock is None or self._first is None:
            return None
        return self._clock() - self._first

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time that the block takes to a stage."""
        if self._clock is None:
            yield
            return
        began = self._clock()
        self._first = began if self._first is None else self._first
        yield
        self._seconds[name] = self._seconds.get(name, 0.0) + self._clock() - began
