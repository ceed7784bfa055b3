# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What policy_node tells on /diagnostics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from dp_accel_ros.nodes.diagnostics import ERROR, OK, WARN, status
from dp_accel_ros.nodes.inference_record import InferenceFacts
from dp_accel_ros.nodes.streams import StreamFacts


def inference_status(
    node_name: str, facts: InferenceFacts, *, active: bool, death: str, about: Mapping[str, object]
) -> Any:
    """Return the status of the predictions.

    Args:
        node_name: Whose status it is.
        facts: What is known of the predictions.
        active: Whether predictions are wanted.
        death: Why the inference thread ended; empty while it lives.
        about: Further values, for example the method and where networks run.
    """
    level, message = OK, f"{facts.rate_hz:.1f} chunks/s, p99 {facts.total_p99_ms:.1f} ms"
    if death:
        level, message = ERROR, f"inference ended: {death}"
    elif not active:
        message = "inactive"
    elif facts.idle is not None and facts.idle.is_fault:
        level, message = WARN, f"no prediction: {facts.idle.reason}"
    values = asdict(facts)
    values["idle"] = "" if facts.idle is None else facts.idle.reason
    return status(f"{node_name}: inference", level, message, {**about, **values})


def streams_status(node_name: str, streams: Mapping[str, StreamFacts], max_age_s: float) -> Any:
    """Return the status of the sensor streams; it names those that are silent."""
    stale = {name: facts for name, facts in streams.items() if _is_stale(facts, max_age_s)}
    values: dict[str, object] = {}
    for name, facts in streams.items():
        values[f"{name} rate_hz"] = facts.rate_hz
        values[f"{name} age_s"] = "never" if facts.age_s is None else facts.age_s
        values[f"{name} refused"] = facts.refused
        values[f"{name} complaint"] = facts.complaint
    message = "; ".join(_staleness(name, facts) for name, facts in stale.items())
    level = ERROR if stale else OK
    return status(f"{node_name}: streams", level, message or "all streams are fresh", values)


def _is_stale(facts: StreamFacts, max_age_s: float) -> bool:
    return facts.age_s is None or facts.age_s > max_age_s


def _staleness(name: str, facts: StreamFacts) -> str:
    if facts.age_s is not None:
        return f"{name} is stale: newest sample is {facts.age_s:.1f} s old"
    if facts.refused:
        return f"{name}: every sample was refused: {facts.complaint}"
    return f"{name}: nothing received"
