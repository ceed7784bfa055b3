# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What the last control ticks were like, for diagnostics."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from dp_accel_ros.execute.plan import Plan
from dp_accel_ros.execute.timing import PeriodRecord

LENGTH = 500
"""Chunks that percentiles are taken over: some minutes."""


@dataclass(frozen=True, slots=True)
class ControlFacts:
    """What is known of the ticks so far."""

    ticks: int
    period_error_p99_ms: float
    period_error_max_ms: float
    tick_p99_ms: float
    """Time that it takes to make a command."""

    first_action_p50_ms: float
    """From the observation's stamp to the first command that follows its chunk."""

    first_action_p99_ms: float


class ControlRecord:
    """Collects facts. The control thread adds, any thread may `report`."""

    def __init__(self, period_ns: int) -> None:
        self._periods = PeriodRecord(period_ns)
        self._first_action_ms: deque[float] = deque(maxlen=LENGTH)
        self._tick_ms: deque[float] = deque(maxlen=LENGTH)
        self._ticks = 0

    def add(self, plan: Plan, now_ns: int, sent_ns: int, took_ns: int) -> None:
        """Note a tick.

        Args:
            plan: What was commanded.
            now_ns: The tick's time on the clock that stamps observations.
            sent_ns: When the command had been sent, on a steady clock.
            took_ns: How long it took to make the command.
        """
        self._ticks += 1
        self._periods.add(sent_ns)
        self._tick_ms.append(took_ns / 1e6)
        if plan.first_use and plan.followed is not None:
            self._first_action_ms.append((now_ns - plan.followed.chunk.stamp_ns) / 1e6)

    def restart(self) -> None:
        """Do not count the pause until the next tick as a period."""
        self._periods.restart()

    def report(self) -> ControlFacts:
        """Return the facts."""
        return ControlFacts(
            ticks=self._ticks,
            period_error_p99_ms=self._periods.error_ms(99),
            period_error_max_ms=self._periods.error_ms(100),
            tick_p99_ms=_percentile(self._tick_ms, 99),
            first_action_p50_ms=_percentile(self._first_action_ms, 50),
            first_action_p99_ms=_percentile(self._first_action_ms, 99),
        )


def _percentile(values: deque[float], percentile: float) -> float:
    # the control thread may append meanwhile, and a deque must not change while it is read
    kept = values.copy()
    return float(np.percentile(kept, percentile)) if kept else 0.0
