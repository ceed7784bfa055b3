# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The newest decision of the scheduler, and whether it may still be obeyed."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Any, NamedTuple

from dp_accel_ros.chunk import NS_PER_S
from dp_accel_ros.errors import ConfigError
from dp_accel_ros.nodes.decision import Decision
from dp_accel_ros.nodes.diagnostics import DECISION, OK, WARN, status, values_in
from dp_accel_ros.nodes.messages import stamp_to_ns
from dp_accel_ros.nodes.method_table import MethodTable
from dp_accel_ros.predict.methods import Method

MAX_AGE_TICKS = 2
"""A decision older than this was made for a world that has moved on."""

APPLIES = "the parameters apply"


@dataclass(frozen=True, slots=True)
class Heard:
    """One decision as it came."""

    decision: Decision
    stamp_ns: int
    chooser: str
    """Who chose, in words; where nobody could, why."""

    is_complete: bool
    """False where the scheduler could not choose what it should."""


class Obeyed(NamedTuple):
    """What the policy should do now."""

    decision: Decision
    lack: str
    """Why something of what should have been decided was not; empty where nothing lacks."""


def heard_from(msg: Any) -> Heard:
    """Return the decision in a message.

    Raises:
        DpAccelError: The message is not what the scheduler sends.
    """
    decision = Decision.of(values_in(msg, DECISION))
    told = next(one for one in msg.status if one.name == DECISION)
    return Heard(decision, stamp_to_ns(msg.header.stamp), told.message, told.level == OK)


class DecisionWatch:
    """Keeps the newest decision.

    `hear` and `status` come from the executor's thread, `choice` and `note` from the inference
    thread too.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._heard: Heard | None = None
        self._lack = ""
        self._n_lacking = 0

    def hear(self, heard: Heard) -> bool:
        """Take a decision; say whether somebody else chose it than the one before."""
        with self._lock:
            before, self._heard = self._heard, heard
            return before is None or before.chooser != heard.chooser

    def obeyed(self, now_ns: int, dt: float) -> Obeyed:
        """Return what to obey at a time, given the control step in s."""
        with self._lock:
            heard = self._heard
        if heard is None:
            return Obeyed(Decision(), "no decision was ever heard")
        if heard.is_complete and heard.decision == Decision():
            # nothing is asked, however long ago
            return Obeyed(Decision(), "")
        age_s = (now_ns - heard.stamp_ns) / NS_PER_S
        # a stamp far ahead of now is from before the clock was set back
        if abs(age_s) > MAX_AGE_TICKS * dt:
            return Obeyed(Decision(), f"the newest decision is {age_s:.2f} s old")
        return Obeyed(heard.decision, "" if heard.is_complete else heard.chooser)

    def choice(self, methods: MethodTable, own: str, now_ns: int, dt: float) -> tuple[Method, str]:
        """Return the method for a chunk that is made now, and what was not decided about it.

        Args:
            methods: What the policy can do.
            own: The method that it uses unless another is asked for.
            now_ns: The time of the choice.
            dt: The control step, s.
        """
        asked, lack = self.obeyed(now_ns, dt)
        name = asked.method or own
        try:
            return methods.chosen(name, asked.settings_for(name)), lack
        except ConfigError as error:
            return methods.chosen(own), str(error)

    def note(self, lack: str) -> bool:
        """Count a chunk for which a decision lacked, if any did; say whether the lack is new."""
        with self._lock:
            is_new = bool(lack) and not self._lack
            self._lack = lack
            self._n_lacking += bool(lack)
            return is_new

    def status(self, node_name: str, now_ns: int, dt: float, *, obeys: bool) -> Any:
        """Return the status of what is decided elsewhere."""
        name, lack = f"{node_name}: decision", self.obeyed(now_ns, dt).lack
        with self._lock:
            heard, lack, count = self._heard, lack or self._lack, self._n_lacking
        values = {
            "age_ms": "" if heard is None else (now_ns - heard.stamp_ns) / 1e6,
            "chunks_without_decision": count,
        }
        if not obeys:
            return status(name, OK, f"`obey_scheduler` is false; {APPLIES}", values)
        if lack:
            return status(name, WARN, f"{lack}; {APPLIES}", values)
        return status(name, OK, "" if heard is None else heard.chooser, values)
