# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Where in the control period ticks should lie, so that chunks do not wait long for their tick.

    arrivals   |   :.::.      |   :::.       |
    ticks      |        ^     |        ^     |     just after most arrivals, not just before

Cameras and ticks have the same rate, so what a chunk waits is decided once, by chance, unless the
grid of ticks is moved.
"""

from __future__ import annotations

from collections import deque
from threading import Lock

import numpy as np
from numpy.typing import NDArray

N_ARRIVALS = 150
"""Arrivals that are remembered: about a minute of chunks."""

N_NEEDED = 5
"""Fewer say little about where most lie."""

N_PHASES = 80
"""Phases that are compared: half a millisecond apart at 25 Hz."""

QUANTILE = 0.98
"""The delay that is made small; a mean would leave the slowest chunks to wait a whole period, and
much more than this would let two or three outliers hold all others up for a minute."""

MARGIN_NS = 4_000_000
"""Ticks keep this far behind the arrivals; one that is later by a moment waits a whole period."""

GAIN_NS = 1_000_000
"""A smaller gain is not worth moving for."""


class ArrivalPhases:
    """When chunks arrived within the control period. `add` and `best` may come from any threads."""

    def __init__(self, period_ns: int) -> None:
        self._period_ns = period_ns
        self._lock = Lock()
        self._arrivals: deque[tuple[int, int]] = deque(maxlen=N_ARRIVALS)

    def add(self, arrival_ns: int, age_ns: int) -> None:
        """Note that a chunk arrived when its observation was `age_ns` old."""
        with self._lock:
            self._arrivals.append((arrival_ns % self._period_ns, age_ns))

    def clear(self) -> None:
        """Forget the arrivals."""
        with self._lock:
            self._arrivals.clear()

    def best(self, present_ns: int) -> int:
        """Return the phase at which ticks should take their chunks, given the present one."""
        with self._lock:
            if len(self._arrivals) < N_NEEDED:
                return present_ns
            arrived = np.array(self._arrivals)  # (N, 2)
        grid = np.linspace(0, self._period_ns, N_PHASES, endpoint=False).astype(np.int64)
        phases = np.append(grid, present_ns % self._period_ns)
        delays = _delays_ns(phases, arrived[:, 0], arrived[:, 1], self._period_ns)
        place = int(np.argmin(delays))
        return int(phases[place]) if delays[place] < delays[-1] - GAIN_NS else present_ns


def _delays_ns(
    phases: NDArray[np.int64],
    arrivals: NDArray[np.int64],
    ages: NDArray[np.int64],
    period_ns: int,
) -> NDArray[np.float64]:
    """Return the delay from observation to tick that most chunks keep, for each phase, (P,)."""
    waits = (phases[:, None] - arrivals - MARGIN_NS) % period_ns  # (P, N)
    return np.quantile(waits + ages, QUANTILE, axis=1)


def step_towards(aim_ns: int, present_ns: int, period_ns: int, most_ns: int) -> int:
    """Return how far to shift the grid now, the shorter way round and by at most `most_ns`."""
    half = period_ns // 2
    gap = (aim_ns - present_ns + half) % period_ns - half
    return max(-most_ns, min(most_ns, gap))
