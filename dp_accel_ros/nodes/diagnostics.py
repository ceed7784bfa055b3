# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Facts as `diagnostic_msgs`: one status is a name, a level, a line of text and values by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from dp_accel_ros.chunk import Cost
from dp_accel_ros.errors import DataError
from dp_accel_ros.nodes.messages import ns_to_stamp

OK, WARN, ERROR, STALE = (
    DiagnosticStatus.OK,
    DiagnosticStatus.WARN,
    DiagnosticStatus.ERROR,
    DiagnosticStatus.STALE,
)

INFERENCE = "policy/inference"
DECISION = "scheduler/decision"

STAGES = ("encode", "retrieve", "sample", "total")


def status(
    name: str, level: bytes, message: str, values: Mapping[str, object], hardware_id: str = ""
) -> Any:
    """Return one status; numbers are written with six significant digits."""
    return DiagnosticStatus(
        name=name,
        level=level,
        message=message,
        hardware_id=hardware_id,
        values=[KeyValue(key=key, value=_text(value)) for key, value in values.items()],
    )


def array_of(stamp_ns: int, statuses: Sequence[Any]) -> Any:
    """Return statuses as the message that is published."""
    msg = DiagnosticArray(status=list(statuses))
    msg.header.stamp = ns_to_stamp(stamp_ns)
    return msg


def values_in(msg: Any, name: str) -> dict[str, str]:
    """Return the values of the status with a name.

    Raises:
        DataError: The message has no such status.
    """
    for one in msg.status:
        if one.name == name:
            return {pair.key: pair.value for pair in one.values}
    found = ", ".join(one.name for one in msg.status) or "no status"
    raise DataError(f"expected a status named {name}, found {found}")


def whole(values: Mapping[str, str], key: str) -> int:
    """Return a value that must be there and be a whole number.

    Raises:
        DataError: It is missing or something else.
    """
    try:
        return int(values[key])
    except (KeyError, ValueError) as error:
        got = values.get(key, "nothing")
        raise DataError(f"`{key}`: expected a whole number, got {got!r}") from error


def inference_values(cost: Cost, epoch: int, sequence: int, seed: int) -> dict[str, object]:
    """Return what `policy/inference` says about one chunk; unknown facts are left empty."""
    match = "" if cost.match is None else f"{cost.match[0]}:{cost.match[1]}"
    distance = "" if cost.retrieval_distance is None else cost.retrieval_distance
    candidates = (f"{c.match[0]}:{c.match[1]} {c.similarity:.3f}" for c in cost.candidates)
    milliseconds = {
        f"{stage}_ms": 1e3 * cost.stage_s[stage] if stage in cost.stage_s else ""
        for stage in STAGES
    }
    return {
        "sequence": sequence,
        "epoch": epoch,
        "method": cost.method,
        "nfe": cost.nfe,
        "retrieval_distance": distance,
        "ood": cost.ood,
        "rejected": cost.rejected,
        "seed": seed,
        "exactness": cost.exactness,
        "match": match,
        "leap_ratio": "" if cost.leap_ratio is None else cost.leap_ratio,
        "candidates": ", ".join(candidates),
        **milliseconds,
    }


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
