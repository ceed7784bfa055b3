# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What scheduler_node tells on /diagnostics."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from dp_accel_ros.execute.plan import Counts, Hold, Plan
from dp_accel_ros.nodes.control_record import ControlFacts
from dp_accel_ros.nodes.diagnostics import ERROR, OK, WARN, status
from dp_accel_ros.nodes.streams import StreamFacts

MAX_PERIOD_ERROR_MS = 2.0
"""A larger 99th percentile is worth a warning: the arm feels it."""

AT_REST = (Hold.NO_CHUNK, Hold.RESET)
"""Holds that are no fault: the policy has not said anything yet."""


def control_status(
    node_name: str,
    plan: Plan | None,
    facts: ControlFacts,
    counts: Counts,
    joints: StreamFacts,
    *,
    now_ns: int,
    missed: int,
    unpaired: int,
    malformed: int,
    death: str,
) -> Any:
    """Return the status of what the arm is told.

    Args:
        node_name: Whose status it is.
        plan: What was commanded last; None while inactive.
        facts: How the ticks were.
        counts: What became of the chunks.
        joints: How the joint states arrive.
        now_ns: Now, on the clock that stamps observations.
        missed: Ticks that were left out.
        unpaired: Chunks or their facts that came alone.
        malformed: Chunks that were not for this arm.
        death: Why the control thread ended; empty while it lives.
    """
    level, message = _verdict(plan, facts, death)
    refused = {f"refused: {reason}": n for reason, n in counts.refused.items()}
    held = {f"held ticks: {reason}": n for reason, n in counts.held_ticks.items()}
    values = {
        **_following(plan, now_ns),
        **asdict(facts),
        "missed_ticks": missed,
        "chunks_admitted": counts.admitted,
        "chunks_superseded": counts.superseded,
        "late_actions": counts.late_actions,
        "unpaired": unpaired,
        "malformed": malformed,
        "joint_states rate_hz": joints.rate_hz,
        "joint_states complaint": joints.complaint,
        **refused,
        **held,
    }
    return status(f"{node_name}: control", level, message, values)


def _verdict(plan: Plan | None, facts: ControlFacts, death: str) -> tuple[bytes, str]:
    if death:
        return ERROR, f"control ended: {death}"
    if plan is None:
        return OK, "inactive"
    if plan.hold is not None:
        return OK if plan.hold in AT_REST else WARN, f"holding: {plan.hold}"
    if facts.period_error_p99_ms > MAX_PERIOD_ERROR_MS:
        return WARN, f"uneven: period error p99 {facts.period_error_p99_ms:.2f} ms"
    return OK, f"following, period error p99 {facts.period_error_p99_ms:.2f} ms"


def _following(plan: Plan | None, now_ns: int) -> dict[str, object]:
    followed = None if plan is None else plan.followed
    if followed is None:
        hold = "inactive" if plan is None else plan.hold
        return {"holding": hold or "", "method": "", "observation_age_ms": ""}
    age_ms = (now_ns - followed.chunk.stamp_ns) / 1e6
    return {
        "holding": "",
        "method": followed.method,
        "epoch": followed.epoch,
        "sequence": followed.sequence,
        "observation_age_ms": age_ms,
    }
