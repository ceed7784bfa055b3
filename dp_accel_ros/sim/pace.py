# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Simulated time that keeps up with a clock."""

from __future__ import annotations

from dp_accel_ros.errors import ConfigError


class Pace:
    """Says which instants of a fixed grid are due; they rise strictly whatever the clock does.

    Args:
        start_ns: The first instant is one period later, in ns.
        period_ns: Distance of the instants, in ns.
        max_behind_ns: Further behind than this, time is skipped instead of caught up with.
    """

    def __init__(self, start_ns: int, period_ns: int, max_behind_ns: int = 250_000_000) -> None:
        if period_ns <= 0:
            raise ConfigError(f"`period_ns` must be above 0, got {period_ns}")
        self._last_ns = start_ns
        self._period_ns, self._max_behind_ns = period_ns, max_behind_ns
        self.overruns = 0
        """How often more than one instant was due at once."""
        self.skipped_ns = 0
        """Time that was given up, in ns."""

    @property
    def next_ns(self) -> int:
        """The next instant, in ns."""
        return self._last_ns + self._period_ns

    def due(self, now_ns: int) -> list[int]:
        """Return the instants that have come since the last call, in ns."""
        behind_ns = now_ns - self._last_ns
        if behind_ns > self._max_behind_ns:
            skipped = (behind_ns - self._period_ns) // self._period_ns * self._period_ns
            self._last_ns += skipped
            self.skipped_ns += skipped
        count = max(0, now_ns - self._last_ns) // self._period_ns
        self.overruns += count > 1
        instants = [self._last_ns + (index + 1) * self._period_ns for index in range(count)]
        self._last_ns += count * self._period_ns
        return instants
