# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The results as a table for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dp_accel_ros.evaluate.bench.results import Results, RowResult
from dp_accel_ros.evaluate.latency.line_up import BASE, RUNTIMES
from dp_accel_ros.evaluate.rollout.file import report

VERSUS = tuple(f"vs {name} f32" for name in RUNTIMES)
"""Ratios to the base sampler in float32, by the backend that it runs on."""

COLUMNS = (
    "method",
    "success",
    "95 %",
    "of base",
    "n",
    "nfe",
    "rounds",
    "accepted",
    "bias",
    "ood",
    "p50 ms",
    "p99 ms",
    "vs eager",
    *VERSUS,
    "MB",
)
SCORE = "score"
"""Column of tasks that give more than success."""

LEGEND = (
    "success: episodes that reached the goal, with Wilson's 95 % interval; of base: as a share of"
    " that of the base sampler in float32",
    "nfe: states that the denoising network evaluated for a chunk; rounds: calls of it one after"
    " the other, where drafts are verified",
    "accepted: share of the tested drafts that were kept; bias: bound on the total variation of a"
    " chunk from the base sampler, summed over its steps (0 is exact, and it says nothing from 1 on)",
    "ood: share of the chunks that were out of distribution; ALT with a gamma does not execute them",
    "MB: networks and arrays that the method reads",
)


def columns(found: Results) -> tuple[str, ...]:
    """Return the table's columns: those in which any row has something.

    The score is one where it is more than success.
    """
    scored = any(_has_score(result) for result in found.measured)
    names = (*COLUMNS[:3], SCORE, *COLUMNS[3:]) if scored else COLUMNS
    known = [_cells(result) for result in found.measured]
    return tuple(name for name in names if not known or any(cell.get(name) for cell in known))


def cells(result: RowResult, names: Sequence[str]) -> tuple[str, ...]:
    """Return a row's cells for these columns; what was not measured stays empty."""
    known = _cells(result)
    return tuple(known.get(name, "") for name in names)


def markdown(found: Results, notes: Sequence[str]) -> str:
    """Return the table as Markdown, with notes, and the rows that could not be run."""
    return "\n".join([*table_lines(found), "", *(f"- {note}" for note in notes), *_absent(found)])


def table_lines(found: Results) -> list[str]:
    """Return the lines of the Markdown table alone."""
    names = columns(found)
    lines = [names, ("---", *("---:" for _ in names[1:]))]
    lines += [cells(result, names) for result in found.measured]
    return [f"| {' | '.join(line)} |" for line in lines]


def document(found: Results, notes: Sequence[str], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything, ready for JSON."""
    absent = [{"row": a.row.name, "label": a.row.label, "reason": a.reason} for a in found.absent]
    rows = [result.numbers for result in found.measured]
    table = table_lines(found)
    return {**facts, "table": table, "rows": rows, "absent": absent, "notes": list(notes)}


def _cells(result: RowResult) -> dict[str, str]:
    return {"method": result.row.label, "MB": f"{result.megabytes:.1f}"} | (
        _episode_cells(result) | _time_cells(result)
    )


def _episode_cells(result: RowResult) -> dict[str, str]:
    if not result.episodes:
        return {}
    found, rate = report(result.episodes), result.success
    low, high = (f"{100 * end:.0f}" for end in rate.interval())
    told = found["speculation"]
    drafted = (
        {
            "rounds": f"{told['rounds_mean']:.1f}",
            "accepted": "" if told["acceptance"] is None else f"{100 * told['acceptance']:.1f} %",
            "bias": f"{told['bias_budget_mean']:.2g}",
        }
        if told
        else {}
    )
    flagged = found["ood_chunks"] / found["chunks"]
    return {
        "success": f"{100 * rate.rate:.0f} %",
        "95 %": f"{low} to {high}",
        SCORE: f"{found['score_mean']:.3f}",
        "of base": "" if result.of_base is None else f"{100 * result.of_base:.0f} %",
        "n": str(rate.episodes),
        "nfe": f"{found['nfe_mean']:g}",
        "ood": f"{100 * flagged:.0f} %" if result.row.method == "alt" else "",
        **drafted,
    }


def _time_cells(result: RowResult) -> dict[str, str]:
    if result.timing is None:
        return {}
    own = f"vs {result.timing['backend']} f32"
    ratios = {"vs eager": result.vs_eager, f"vs {BASE} f32": result.vs_ort, own: result.vs_base}
    return {
        "p50 ms": f"{result.timing['p50_ms']:.1f}",
        "p99 ms": f"{result.timing['p99_ms']:.1f}",
        **{name: f"{times:.1f}x" for name, times in ratios.items() if times is not None},
    }


def _has_score(result: RowResult) -> bool:
    return any(r.score not in (None, float(r.success)) for r in result.episodes)


def _absent(found: Results) -> list[str]:
    if not found.absent:
        return [""]
    lines = [f"- {absent.row.label}: {absent.reason}" for absent in found.absent]
    return ["", "Not run:", "", *lines, ""]
