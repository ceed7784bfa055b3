# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Ticks of a simulation that waits for the command of each control step."""

from __future__ import annotations

from dp_accel_ros.execute.timing import covers

SLACK_NS = 1_000
"""Rounding of control steps to ns."""


class Lockstep:
    """Says when a tick is due: a control step after the last one, and only with its chunk there.

    A chunk serves `replan_steps` ticks, the first one at its own stamp, as in an evaluation
    without ROS. One thread calls it.
    """

    def __init__(self, dt: float, period_ns: int, replan_steps: int) -> None:
        self._dt, self._period_ns, self._replan_steps = dt, period_ns, replan_steps
        self._last_ns: int | None = None

    def is_due(self, now_ns: int, chunk_stamp_ns: int | None) -> bool:
        """Say whether to tick now, with the newest chunk made from an observation at a stamp."""
        if self._last_ns is not None and now_ns < self._last_ns + self._period_ns - SLACK_NS:
            return False
        return covers(chunk_stamp_ns, now_ns, self._replan_steps, self._dt)

    def done(self, now_ns: int) -> None:
        """Note that the tick at a time was published."""
        self._last_ns = now_ns

    def is_asked_again(self, now_ns: int, shown_ns: int) -> bool:
        """Say whether a sensor stamp shows the tick that was answered: the answer was not heard."""
        return self._last_ns == now_ns == shown_ns

    def restart(self) -> None:
        """Start anew at whatever time it is."""
        self._last_ns = None
