# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Which actions are still due, when the next tick is, and how even the ticks were."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.chunk import NS_PER_S, ActionChunk


def due_after_s(chunk: ActionChunk, now_ns: int) -> NDArray[np.float64]:
    """Return when each action is due, (N,), in s after now; negative for the past."""
    steps = np.arange(len(chunk.actions), dtype=np.float64)
    return steps * chunk.dt + (chunk.stamp_ns - now_ns) / NS_PER_S


def late_actions(chunk: ActionChunk, now_ns: int) -> int:
    """Return how many actions of a chunk were due before now."""
    return int((due_after_s(chunk, now_ns) < 0.0).sum())


def covers(stamp_ns: int | None, now_ns: int, replan_steps: int, dt: float) -> bool:
    """Say whether a chunk from an observation is recent enough for a lockstep tick at now.

    A chunk serves `replan_steps` ticks, the first one at its own stamp.
    """
    if stamp_ns is None:
        return False
    # half a step of slack, so that rounding of stamps cannot move a tick to the next chunk
    return (now_ns - stamp_ns) / NS_PER_S < (replan_steps - 0.5) * dt


class Tick(NamedTuple):
    """When the next tick is and how many were missed before it."""

    due_ns: int
    missed: int


def next_tick(previous_ns: int, now_ns: int, period_ns: int) -> Tick:
    """Return the first tick after now on the grid of the previous one; a late one is not redone."""
    # From the tick before and not from now, so that lateness does not add up to drift.
    passed = max(now_ns - previous_ns, 0) // period_ns
    return Tick(previous_ns + (passed + 1) * period_ns, int(passed))


class PeriodRecord:
    """The last periods between ticks; one thread adds, any thread may ask."""

    def __init__(self, period_ns: int, length: int = 7500) -> None:
        self._period_ns = period_ns
        self._errors_ns: deque[int] = deque(maxlen=length)
        self._last_ns: int | None = None

    def add(self, now_ns: int) -> None:
        """Note a tick."""
        if self._last_ns is not None:
            self._errors_ns.append(abs(now_ns - self._last_ns - self._period_ns))
        self._last_ns = now_ns

    def restart(self) -> None:
        """Do not count the time to the next tick as a period."""
        self._last_ns = None

    def error_ms(self, percentile: float) -> float:
        """Return a percentile of the absolute period error, in ms; 0 before the second tick."""
        # In one call, because the other thread may add while a loop is on its way.
        errors = self._errors_ns.copy()
        return float(np.percentile(errors, percentile)) / 1e6 if errors else 0.0
