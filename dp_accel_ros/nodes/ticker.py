# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Even ticks in wall-clock time."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from threading import Event, Thread

from dp_accel_ros.execute.timing import next_tick
from dp_accel_ros.nodes.realtime import be_urgent


class Ticker:
    """Calls `tick` from a thread of its own on a fixed grid of times.

    An executor's timer waits for whatever callback runs; this thread only waits for its deadline.
    `start` and `stop` come from the thread that owns the ticker. An error ends the thread:
    `on_death` gets the traceback, in that thread.
    """

    def __init__(
        self, period_ns: int, tick: Callable[[], None], on_death: Callable[[str], None]
    ) -> None:
        self._period_ns, self._tick, self._on_death = period_ns, tick, on_death
        self._stopping = Event()
        self._thread: Thread | None = None
        self.missed = 0
        """Ticks that were left out because an earlier one took too long."""

    def start(self, priority: int, on_refusal: Callable[[str], object]) -> None:
        """Start the thread; `on_refusal` hears why it could not have the priority."""
        self._stopping.clear()
        self._thread = Thread(
            target=self._run, args=(priority, on_refusal), name="control", daemon=True
        )
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

    def _run(self, priority: int, on_refusal: Callable[[str], object]) -> None:
        refusal = be_urgent(priority)
        if refusal:
            on_refusal(refusal)
        try:
            self._loop()
        except Exception:  # noqa: BLE001  the thread ends here and its owner must hear why
            self._on_death(traceback.format_exc())

    def _loop(self) -> None:
        due_ns = time.monotonic_ns()
        while not self._stopping.is_set():
            self._tick()
            due_ns, missed = next_tick(due_ns, time.monotonic_ns(), self._period_ns)
            self.missed += missed
            # time.sleep waits for an absolute deadline on Linux, Event.wait is less exact
            time.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)
