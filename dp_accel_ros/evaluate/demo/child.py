# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Processes that a demo starts, watches and always stops."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from dp_accel_ros.errors import DpAccelError

PATIENCE_S = ((signal.SIGINT, 8.0), (signal.SIGTERM, 3.0), (signal.SIGKILL, 5.0))
"""Signals from polite to final, each with how long it may take to work."""


class ChildDiedError(DpAccelError, RuntimeError):
    """A process that the demo needs has ended by itself."""


class Child:
    """One process in its own session, so that Ctrl-C reaches only us and we stop it in order.

    Args:
        name: What to call it in messages; its log is `<name>.log`.
        command: Program and arguments.
        log_folder: Where what it prints goes.
        environ: Its whole environment.
    """

    def __init__(
        self, name: str, command: Sequence[str], log_folder: Path, environ: Mapping[str, str]
    ) -> None:
        self.name = name
        self.log = log_folder / f"{name}.log"
        with self.log.open("wb") as stream:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=dict(environ),
                start_new_session=True,
                preexec_fn=_heed_interrupts,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """What it ended with, or None while it runs."""
        return self._process.poll()

    def cpu_s(self) -> float:
        """Return the processor time it has used, s; 0 once it has ended or where /proc is missing."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def tail(self, n_lines: int = 20) -> str:
        """Return the last lines that it printed."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-n_lines:])

    def check(self) -> None:
        """Raise `ChildDiedError` with the end of its log if it is no longer running."""
        if self.exit_code is not None:
            raise ChildDiedError(
                f"{self.name} ended with exit status {self.exit_code}; its log is {self.log}"
                f" and ends with:\n{self.tail() or '(it printed nothing)'}"
            )

    def signal(self, number: int) -> None:
        """Send a signal to it and whatever it started; harmless once it has ended."""
        if self.exit_code is None:
            os.killpg(self.pid, number)

    def wait(self, timeout_s: float) -> bool:
        """Say whether it ended within `timeout_s`."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True


def stop_all(
    children: Sequence[Child], patience: Sequence[tuple[signal.Signals, float]] = PATIENCE_S
) -> None:
    """End all children together: ask, insist, and at last kill, and collect every one of them."""
    for number, patience_s in patience:
        running = [child for child in children if child.exit_code is None]
        for child in running:
            child.signal(number)
        deadline = time.monotonic() + patience_s
        for child in running:
            child.wait(max(0.0, deadline - time.monotonic()))


def _heed_interrupts() -> None:
    """Undo what a shell does to background jobs: it has them, and so us, ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
