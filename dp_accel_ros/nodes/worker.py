# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A thread that does one piece of work whenever it is woken."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from threading import Condition, Thread


class Worker:
    """Runs `work` in a thread of its own, once for one or more calls of `wake`.

    `start` and `stop` come from the thread that owns the worker, `wake` from any. The lock is not
    held while `work` runs. An error ends the thread: `on_death` gets the traceback, in that thread.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], None],
        on_death: Callable[[str], None],
        idle_s: float = 0.2,
    ) -> None:
        self._name, self._work, self._on_death, self._idle_s = name, work, on_death, idle_s
        self._condition = Condition()
        self._woken = self._stopping = False
        self._thread: Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._woken = self._stopping = False
        self._thread = Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Have the work done soon; while it is being done, once more after that."""
        with self._condition:
            self._woken = True
            self._condition.notify()

    def stop(self, timeout_s: float = 10.0) -> bool:
        """Stop after the work at hand; False when that takes longer than the timeout."""
        if self._thread is None:
            return True
        with self._condition:
            self._stopping = True
            self._condition.notify()
        self._thread.join(timeout_s)
        ended = not self._thread.is_alive()
        self._thread = None
        return ended

    def _run(self) -> None:
        try:
            while self._wait():
                self._work()
        except Exception:  # noqa: BLE001  the thread ends here and its owner must hear why
            self._on_death(traceback.format_exc())

    def _wait(self) -> bool:
        """Wait until woken or idle for long; False when it is time to end."""
        with self._condition:
            # Without being woken, too: that nothing comes must be noticed as well.
            self._condition.wait_for(lambda: self._woken or self._stopping, self._idle_s)
            # Taken back before the work, so that what comes meanwhile has it done once more.
            self._woken = False
            return not self._stopping
