# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The demo's course: start three processes, run episodes, stop them whatever happens."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from dp_accel_ros.errors import DpAccelError
from dp_accel_ros.evaluate.demo.child import Child, stop_all
from dp_accel_ros.evaluate.demo.config import DemoConfig
from dp_accel_ros.evaluate.demo.patience import Patience
from dp_accel_ros.evaluate.demo.telemetry import EpisodeStatus, Telemetry

LOOK_S = 0.05
"""Time between looks at what is going on."""

LINGER_S = 0.6
"""An episode goes on for so long after its success, so that one can see it."""

SILENCE_S = 10.0
"""A simulation that says nothing new for so long is not going to."""

STALL_S = 1.0
"""More between two looks means that the machine was suspended, or as good as that."""

READY_TIMEOUT_S = 180.0
"""Loading and warming up take seconds, and minutes on a machine that is busy."""


class DemoError(DpAccelError, RuntimeError):
    """An episode could not run."""


class Observer(Protocol):
    """Who listens to the nodes and resets the world."""

    @property
    def telemetry(self) -> Telemetry:
        """What was heard so far."""
        ...

    def missing(self) -> list[str]:
        """Return the nodes that do not answer yet."""
        ...

    def reset_world(self) -> str:
        """Start the next episode."""
        ...


@dataclass(frozen=True, slots=True)
class EpisodeOutcome:
    """How one episode ended."""

    number: int
    seed: int
    success: bool
    duration_s: float
    """Until success, or until time was up."""

    began_ns: int
    """When the world was about to be reset, on the system clock."""

    reset_ns: int
    """When every node had been reset."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What the demo is doing."""

    phase: str
    outcomes: tuple[EpisodeOutcome, ...]
    episode: EpisodeStatus | None


@dataclass(frozen=True, slots=True)
class Watched:
    """Everything that was seen of a demo."""

    telemetry: Telemetry
    outcomes: tuple[EpisodeOutcome, ...]
    processor_shares: dict[str, float]
    stalls_s: tuple[float, ...]
    error: DpAccelError | KeyboardInterrupt | None
    """What ended it before its time."""


Show = Callable[[Moment], None]


@contextmanager
def running(config: DemoConfig) -> Iterator[list[Child]]:
    """Start the demo's processes, and end all of them when the block ends, however it does."""
    config.out.mkdir(parents=True, exist_ok=True)
    children: list[Child] = []
    try:
        for name, command in config.commands().items():
            children.append(Child(name, command, config.out, config.environ()))
        yield children
    finally:
        # whoever presses Ctrl-C twice must not leave a robot's nodes behind
        heeded = signal.signal(signal.SIGINT, signal.SIG_IGN)
        stop_all(children)
        signal.signal(signal.SIGINT, heeded)


class Demo:
    """Runs episodes one after the other; one thread uses it."""

    def __init__(self, observer: Observer, children: Sequence[Child], show: Show) -> None:
        self._observer, self._children, self._show = observer, children, show
        self.outcomes: list[EpisodeOutcome] = []
        """Of the episodes that have ended, also when a later one could not run."""
        self.stalls_s: list[float] = []
        """Times for which even this loop stood still: nothing that was measured then counts."""
        self._looked_s: float | None = None
        self._busy_from: tuple[float, dict[str, float]] | None = None

    def run(self, config: DemoConfig) -> None:
        """Run all episodes.

        Raises:
            ChildDiedError: A process ended by itself.
            DemoError: The nodes do not get ready, or an episode does not end.
        """
        self._wait_until_ready()
        self._busy_from = time.monotonic(), {c.name: c.cpu_s() for c in self._children}
        deadline = time.monotonic() + 60.0 * (config.minutes or 0.0)
        while config.episodes is None or len(self.outcomes) < config.episodes:
            if config.episodes is None and time.monotonic() > deadline:
                break
            self.outcomes.append(self._episode())
            self._look("running")

    def processor_shares(self) -> dict[str, float]:
        """Return how much of one core each process has used since all were ready."""
        if self._busy_from is None:
            return {}
        began_s, used_s = self._busy_from
        elapsed_s = max(1e-3, time.monotonic() - began_s)
        return {
            child.name: round((child.cpu_s() - used_s[child.name]) / elapsed_s, 3)
            for child in self._children
        }

    def _wait_until_ready(self) -> None:
        patience = Patience(READY_TIMEOUT_S, time.monotonic())
        while waited_for := self._waited_for():
            self._look(f"waiting for {waited_for}")
            if patience.is_over(time.monotonic()):
                raise DemoError(f"waited {READY_TIMEOUT_S:g} s for {waited_for} in vain")

    def _waited_for(self) -> str:
        heard = self._observer.telemetry
        missing = self._observer.missing()
        if missing:
            return ", ".join(missing)
        return "the first chunk" if not (heard.chunks and heard.trajectories) else ""

    def _episode(self) -> EpisodeOutcome:
        began_ns = time.time_ns()
        was = self._observer.telemetry.episode
        self._observer.reset_world()
        reset_ns = time.time_ns()
        self._looked_s = None
        status = self._ended(after=-1 if was is None else was.number)
        duration_s = status.success_after_s if status.success else status.elapsed_s
        if status.success:
            self._linger()
        return EpisodeOutcome(
            status.number, status.seed, status.success, duration_s, began_ns, reset_ns
        )

    def _ended(self, after: int) -> EpisodeStatus:
        """Wait until the episode that follows number `after` is over."""
        patience, last = Patience(SILENCE_S, time.monotonic()), None
        while True:
            self._look("running")
            status = self._observer.telemetry.episode
            if status is not None and status.number > after and status.is_over:
                return status
            if status != last:
                patience.renew()
                last = status
            if patience.is_over(time.monotonic()):
                raise DemoError(f"the simulation has said nothing new for {SILENCE_S:g} s")

    def _linger(self) -> None:
        until_s = time.monotonic() + LINGER_S
        while time.monotonic() < until_s:
            self._look("running")

    def _look(self, phase: str) -> None:
        for child in self._children:
            child.check()
        episode = self._observer.telemetry.episode
        self._show(Moment(phase, tuple(self.outcomes), episode))
        time.sleep(LOOK_S)
        self._note_stall(time.monotonic())

    def _note_stall(self, now_s: float) -> None:
        if self._looked_s is not None and now_s - self._looked_s > STALL_S:
            self.stalls_s.append(round(now_s - self._looked_s, 2))
        self._looked_s = now_s
