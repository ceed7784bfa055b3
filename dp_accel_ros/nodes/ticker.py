# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Even ticks in wall-clock time."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from threading import Event, Thread

from dp_accel_ros.execute.phase import step_towards
from dp_accel_ros.execute.timing import next_tick
from dp_accel_ros.nodes.realtime import be_first

LEAD_NS = 3_000_000
"""What is sent is made ready this long before it is due, so that work does not shift the tick."""

SLEW_NS = 400_000
"""Most that the grid is moved in one period."""

Send = Callable[[], None]


class Ticker:
    """Sends from a thread of its own on an even grid of times.

    An executor's timer waits for whatever callback runs; this thread only waits for its deadline.
    `start` and `stop` come from the thread that owns the ticker, `aim` from any. An error ends the
    thread: `on_death` gets the traceback, in that thread.
    """

    def __init__(
        self,
        period_ns: int,
        prepare: Callable[[int], Send],
        on_death: Callable[[str], None],
    ) -> None:
        """Make a ticker that stands still.

        Args:
            period_ns: Time between two ticks.
            prepare: Given the ns until a tick, returns what sends the command of that tick.
            on_death: Hears why the thread ended early.
        """
        self._period_ns, self._prepare, self._on_death = period_ns, prepare, on_death
        self._stopping = Event()
        self._thread: Thread | None = None
        self._aim_ns: int | None = None
        self.phase_ns = 0
        """When in the period, on the monotonic clock, a tick takes what it sends."""
        self.missed = 0
        """Ticks that were left out because an earlier one took too long."""

    def start(self, priority: int = 0) -> None:
        """Start the thread, with a SCHED_FIFO priority if this process has one already."""
        self._stopping.clear()
        self._thread = Thread(target=self._run, args=(priority,), name="control", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Stop before the next tick; False when the tick at hand does not end in time."""
        if self._thread is None:
            return True
        self._stopping.set()
        self._thread.join(timeout_s)
        ended = not self._thread.is_alive()
        self._thread = None
        return ended

    def aim(self, phase_ns: int) -> None:
        """Move the grid, slowly, so that `phase_ns` becomes its phase."""
        self._aim_ns = phase_ns

    def _run(self, priority: int) -> None:
        try:
            be_first(priority)
            self._loop()
        except Exception:  # noqa: BLE001  the thread ends here and its owner must hear why
            self._on_death(traceback.format_exc())

    def _loop(self) -> None:
        lead_ns = min(LEAD_NS, self._period_ns // 2)
        due_ns = time.monotonic_ns() + lead_ns
        while not self._stopping.is_set():
            # What takes time is done before the tick is due; at the tick only `send` is left.
            send = self._prepare(max(0, due_ns - time.monotonic_ns()))
            _sleep_until(due_ns)
            send()
            due_ns, missed = next_tick(due_ns, time.monotonic_ns(), self._period_ns)
            self.missed += missed
            due_ns += self._shift_ns(due_ns - lead_ns)
            _sleep_until(due_ns - lead_ns)

    def _shift_ns(self, taking_ns: int) -> int:
        self.phase_ns = taking_ns % self._period_ns
        if self._aim_ns is None:
            return 0
        return step_towards(self._aim_ns, self.phase_ns, self._period_ns, SLEW_NS)


def _sleep_until(due_ns: int) -> None:
    # time.sleep waits for an absolute deadline on Linux, Event.wait is less exact
    time.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)
