# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What scheduler_node asks of the policy at each tick, and who chose it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.bundle import Bundle
from dp_accel_ros.chunk import ActionChunk
from dp_accel_ros.errors import DpAccelError
from dp_accel_ros.nodes.decision import Decision
from dp_accel_ros.nodes.diagnostics import DECISION, OK, WARN, array_of, status
from dp_accel_ros.nodes.speculation_values import last_chunk_from
from dp_accel_ros.predict.speculation.plan import DraftPlan
from dp_accel_ros.predict.speculation.scheduling import CLOSED_FORM, FIXED, PPO
from dp_accel_ros.predict.speculation.scheduling.ppo_scheduler import (
    PpoScheduler,
    load_scheduler,
    settings_under,
)

WORDS = {FIXED: "from parameters", CLOSED_FORM: "closed form", PPO: "ppo"}
"""Kind of scheduler to how a decision says who chose it."""

KNOBS = ("draft_length", "sigma_scale", "threshold")
LENGTH = 500
"""Decisions that percentiles are taken over: twenty seconds."""


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What is known when a decision is due."""

    began_ns: int | None = None
    """When the episode began."""

    joints: NDArray[np.float64] | None = None
    chunk: ActionChunk | None = None
    told: Mapping[str, str] = field(default_factory=dict)
    """Values of the chunk's `policy/inference`."""


class Decider:
    """Decides on every tick.

    `take` and `reset` come from the executor's thread, `message` from the control thread and
    `observe` from either. What is known is frozen and only ever replaced, under the lock.
    """

    def __init__(self, kind: str, bundle: Bundle) -> None:
        """Load what the kind of decision needs, and decide once to see that it works.

        Raises:
            DpAccelError: The bundle has no scheduler for `ppo`, or one that cannot be used.
        """
        self._kind = kind
        self._scheduler = load_scheduler(bundle) if kind == PPO else None
        if self._scheduler is not None:
            self._scheduler.chosen(np.zeros(self._scheduler.view.size, np.float32))
        self._lock, self._known = Lock(), Known()
        self._took_ms: deque[float] = deque(maxlen=LENGTH)
        self._complaint = ""
        self._undecided = 0

    def reset(self, now_ns: int) -> None:
        """Forget joints and chunk: an episode begins."""
        with self._lock:
            self._known = Known(began_ns=now_ns)

    def observe(self, positions: NDArray[np.float64]) -> None:
        """Take measured joint positions, (Dj,)."""
        with self._lock:
            self._known = replace(self._known, joints=positions)

    def take(self, chunk: ActionChunk, told: Mapping[str, str]) -> None:
        """Take the newest chunk with the values of its `policy/inference`."""
        with self._lock:
            self._known = replace(self._known, chunk=chunk, told=told)

    def message(self, own: Decision, now_ns: int, epoch: int) -> Any:
        """Return `scheduler/decision` for a tick; `own` is what the parameters ask for."""
        began = time.perf_counter()
        decision, plan, complaint = self._decided(own, now_ns)
        # Wall time and not the node's, which stands still between the steps of a simulation.
        self._took_ms.append(1e3 * (time.perf_counter() - began))
        self._complaint, self._undecided = complaint, self._undecided + bool(complaint)
        level, text = (WARN, complaint) if complaint else (OK, WORDS[self._kind])
        values = {**decision.values(epoch), **_stages(plan)}
        return array_of(now_ns, [status(DECISION, level, text, values)])

    def status(self, node_name: str) -> Any:
        """Return the status of the decisions."""
        # the control thread may append meanwhile, and a deque must not change while it is read
        took_ms = self._took_ms.copy()
        values = {
            "scheduler": self._kind,
            "ticks_without_decision": self._undecided,
            "decide_p50_ms": float(np.percentile(took_ms, 50)) if took_ms else 0.0,
            "decide_p99_ms": float(np.percentile(took_ms, 99)) if took_ms else 0.0,
        }
        complaint = self._complaint
        level = WARN if complaint else OK
        return status(f"{node_name}: decision", level, complaint or WORDS[self._kind], values)

    def _decided(self, own: Decision, now_ns: int) -> tuple[Decision, DraftPlan | None, str]:
        """Return the decision, the plan in it if there is one, and why there is none if it lacks."""
        if self._kind == CLOSED_FORM:
            return replace(own, drafting="lengths=closed_form"), None, ""
        if self._scheduler is None:
            return own, None, ""
        try:
            plan = _planned(self._scheduler, self._known, now_ns)
        # whatever the actor is fed, the arm's control goes on
        except DpAccelError as error:
            return own, None, f"no plan: {error}"
        if plan is None:
            return own, None, "no plan: no joint states yet"
        drafting = settings_under(self._scheduler.base, plan)
        return replace(own, drafting=drafting), plan, ""


def _planned(scheduler: PpoScheduler, known: Known, now_ns: int) -> DraftPlan | None:
    if known.joints is None or known.began_ns is None:
        return None
    last = None if known.chunk is None else last_chunk_from(known.told, known.chunk)
    return scheduler.plan(known.joints, now_ns, known.began_ns, last)


def _stages(plan: DraftPlan | None) -> dict[str, object]:
    """Return each knob of a plan, the noisiest stage first, for people who listen."""
    if plan is None:
        return dict.fromkeys(KNOBS, "")
    return {knob: " ".join(f"{value:g}" for value in getattr(plan, knob)) for knob in KNOBS}
