# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The numbers of a demo, out of what was heard on its topics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.evaluate.demo.telemetry import Heard, Telemetry, first_action_ms, number, numbers
from dp_accel_ros.evaluate.statistics import Quantiles, period_errors_ms, quantiles

CONTROL = "scheduler_node: control"
PHYSICS = "sim_node: physics"

STAGES = ("encode", "retrieve", "sample", "total")

SETTLE_NS = 200_000_000
"""Time after a reset in which the scheduler waits for joint states of the new world."""


@dataclass(frozen=True, slots=True)
class DemoNumbers:
    """How even, how fast and how busy the nodes were."""

    duration_s: float
    """From the first to the last trajectory."""

    rate_hz: float
    """Trajectories per second."""

    period_published: Quantiles
    """Error of the 25 Hz period when the publisher's middleware took the message, in ms."""

    period_received: Quantiles
    """The same when the observer's middleware had it."""

    period_stamped: Quantiles
    """The same by the stamps in the headers."""

    first_action: Quantiles
    """Observation stamp to the first published action of its chunk, seen from outside, in ms."""

    stages: Mapping[str, Quantiles]
    """Time of each stage of a prediction, in ms."""

    chunks: int
    nfe: float
    """Mean network evaluations per chunk."""

    methods: Mapping[str, int]
    """Chunks by the method that made them."""

    ood: int
    control: Mapping[str, str]
    """What scheduler_node says about itself."""

    physics: Mapping[str, str]
    """What sim_node says about itself."""


def demo_numbers(
    heard: Telemetry,
    dt: float,
    pauses_ns: Sequence[tuple[int, int]] = (),
    since_ns: int = 0,
) -> DemoNumbers:
    """Return the numbers of everything that was sent since a time.

    Args:
        heard: What was heard; it may still grow.
        dt: The control step, s.
        pauses_ns: Resets, from and until; what the period does there is left out.
        since_ns: What was sent before is left out.
    """
    trajectories = [t for t in list(heard.trajectories) if t.published_ns >= since_ns]
    chunks = [c for c in list(heard.chunks) if c.published_ns >= since_ns]
    inferences = [i for i in list(heard.inferences) if i.stamp_ns >= since_ns]
    # A chunk and what is said of it are two messages; one may come after the end.
    complete = {c.stamp_ns for c in chunks} & {i.stamp_ns for i in inferences}
    chunks = [c for c in chunks if c.stamp_ns in complete]
    inferences = [i for i in inferences if i.stamp_ns in complete]
    settled = [(begin, end + SETTLE_NS) for begin, end in pauses_ns]
    times = np.array(trajectories, dtype=np.int64).reshape(-1, 3)
    errors = [quantiles(period_errors_ms(times[:, i], dt, settled)) for i in (1, 2, 0)]
    seconds = float(np.ptp(times[:, 1])) / 1e9 if len(times) > 1 else 0.0
    methods = [inference.values.get("method", "") for inference in inferences]
    nfe = numbers(inferences, "nfe")
    return DemoNumbers(
        duration_s=seconds,
        rate_hz=(len(times) - 1) / seconds if seconds else 0.0,
        period_published=errors[0],
        period_received=errors[1],
        period_stamped=errors[2],
        first_action=quantiles(first_action_ms(chunks, trajectories)),
        stages={stage: quantiles(numbers(inferences, f"{stage}_ms")) for stage in STAGES},
        chunks=len(chunks),
        nfe=float(nfe.mean()) if nfe.size else float("nan"),
        methods={name: methods.count(name) for name in sorted(set(methods))},
        ood=sum(inference.values.get("ood") == "true" for inference in inferences),
        control=dict(heard.diagnostics.get(CONTROL, {})),
        physics=dict(heard.diagnostics.get(PHYSICS, {})),
    )


def held_ticks(control: Mapping[str, str]) -> int:
    """Return the ticks at which the arm held although a chunk should have been there."""
    at_rest = ("no chunk yet", "no chunk since the reset")
    return round(
        sum(
            number(control, key)
            for key in control
            if key.startswith("held ticks: ") and not key.endswith(at_rest)
        )
    )


def numbers_for_json(found: DemoNumbers) -> dict[str, Any]:
    """Return the numbers for the summary, each saying where it was measured."""
    control = found.control
    return {
        "duration_s": round(found.duration_s, 2),
        "joint_trajectory": {
            "rate_hz": round(found.rate_hz, 3),
            "period_error_at_the_publisher": found.period_published.as_dict("ms"),
            "period_error_at_a_subscriber": found.period_received.as_dict("ms"),
            "period_error_of_the_stamps": found.period_stamped.as_dict("ms"),
            "period_error_by_scheduler_node": _own(control, "period_error"),
            "note": "middleware times; intervals around resets are left out",
        },
        "observation_to_first_action": {
            "seen_from_outside": found.first_action.as_dict("ms"),
            "by_scheduler_node": _own(control, "first_action"),
        },
        "inference": {
            "chunks": found.chunks,
            "methods": dict(found.methods),
            "nfe_mean": None if np.isnan(found.nfe) else round(found.nfe, 2),
            "ood_chunks": found.ood,
            **{stage: spread.as_dict("ms") for stage, spread in found.stages.items()},
        },
        "scheduler_node": dict(control),
        "sim_node": dict(found.physics),
    }


def trajectory_times_ms(trajectories: Sequence[Heard]) -> NDArray[np.float64]:
    """Return the intervals between published trajectories, (N - 1,), in ms."""
    return np.diff([t.published_ns for t in trajectories]) / 1e6


def _own(control: Mapping[str, str], prefix: str) -> dict[str, float]:
    """Return what the scheduler node says of itself; what is no number is left out."""
    named = {key.removeprefix(f"{prefix}_"): number(control, key) for key in control}
    return {
        name: value
        for name, value in named.items()
        if f"{prefix}_{name}" in control and np.isfinite(value)
    }
