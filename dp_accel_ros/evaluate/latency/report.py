# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Timings as a table for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dp_accel_ros.evaluate.latency.line_up import EAGER, LINE_UP
from dp_accel_ros.evaluate.latency.timing import SLOW_S, Timing
from dp_accel_ros.evaluate.machine import machine_line

COLUMNS = ("method", "backend", "nfe", "n", "p50 ms", "p99 ms")


def columns(timings: Sequence[Timing]) -> tuple[str, ...]:
    """Return the table's columns; the last two are ratios."""
    return (*COLUMNS, f"vs {EAGER}", f"vs {own_backend(timings)}")


def own_backend(timings: Sequence[Timing]) -> str:
    """Return the backend that everybody runs on; the others give a baseline alone."""
    return timings[-1].backend


def rows(timings: Sequence[Timing]) -> list[tuple[str, ...]]:
    """Return the table's cells; ratios are of medians, and empty where there is no baseline."""
    eager, base = (_baseline(timings, name) for name in (EAGER, own_backend(timings)))
    return [
        (
            timing.label,
            timing.backend,
            str(timing.nfe),
            str(timing.total_ms.n),
            f"{timing.total_ms.p50:.1f}",
            f"{timing.total_ms.p99:.1f}",
            _times(eager, timing),
            _times(base, timing),
        )
        for timing in timings
    ]


def markdown(timings: Sequence[Timing], notes: Sequence[str]) -> str:
    """Return the table with its notes as Markdown."""
    names = columns(timings)
    lines = [names, tuple("---" for _ in names), *rows(timings)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return "\n".join([table, "", *(f"- {note}" for note in notes), ""])


def document(
    timings: Sequence[Timing],
    notes: Sequence[str],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Return everything, ready for JSON."""
    listed = [
        {
            "method": timing.label,
            "backend": timing.backend,
            "nfe": timing.nfe,
            "total": timing.total_ms.as_dict("ms"),
            "stage_medians_ms": {k: round(v, 4) for k, v in timing.stages_ms.items()},
        }
        for timing in timings
    ]
    return {"timings": listed, "notes": list(notes), **facts}


def how_it_was_timed(machine: dict[str, Any], threads: int, rounds: int) -> list[str]:
    """Return what a reader has to know to believe the table."""
    return [
        f"{machine_line(machine)}; {threads} network threads",
        f"{rounds} rounds, each with every method in an order drawn anew; where a chunk takes less"
        f" than {SLOW_S:g} s, the first of each visit is not timed",
        "one observation in, one chunk out, batch 1: encode, retrieve and sample together",
        f"ratios are of medians, to {LINE_UP[0][0]} on the backend that the column names; {EAGER} is"
        " PyTorch's eager mode",
    ]


def _baseline(timings: Sequence[Timing], backend: str) -> Timing | None:
    wanted = (LINE_UP[0][0], backend)
    return next((t for t in timings if (t.label, t.backend) == wanted), None)


def _times(baseline: Timing | None, timing: Timing) -> str:
    if baseline is None or not timing.total_ms.p50:
        return ""
    return f"{baseline.total_ms.p50 / timing.total_ms.p50:.1f}x"
