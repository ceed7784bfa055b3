# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What somebody sees in the terminal while the demo runs."""

from __future__ import annotations

import math

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dp_accel_ros.evaluate.demo.numbers import DemoNumbers, held_ticks
from dp_accel_ros.evaluate.demo.telemetry import number
from dp_accel_ros.evaluate.demo.watch import Moment
from dp_accel_ros.evaluate.statistics import Quantiles, SuccessRate

PERIOD_LIMIT_MS = 2.0
FIRST_ACTION_LIMIT_MS = 80.0
"""Beyond these a number is shown in red: the arm would feel it."""


def live_table(title: str, moment: Moment, found: DemoNumbers, planned: str) -> RenderableType:
    """Return the whole picture of one moment."""
    body = Group(_episodes(moment, planned), Text(), _numbers(found))
    return Panel(body, title=f"[bold]{title}", subtitle=moment.phase, width=80, padding=(1, 2))


def progress_line(moment: Moment, found: DemoNumbers) -> str:
    """Return the moment on one plain line, for a log."""
    rate = SuccessRate.of(outcome.success for outcome in moment.outcomes)
    control = found.period_published
    return (
        f"{moment.phase}: {len(moment.outcomes)} episodes done, {rate.successes} successes,"
        f" {found.rate_hz:.1f} Hz, period error p99 {control.p99:.2f} ms,"
        f" inference p50 {found.stages['total'].p50:.1f} ms, nfe {found.nfe:.0f}"
    )


def _episodes(moment: Moment, planned: str) -> RenderableType:
    rate = SuccessRate.of(outcome.success for outcome in moment.outcomes)
    marks = Text("episodes   ", style="dim")
    for outcome in moment.outcomes[-48:]:
        marks.append("●" if outcome.success else "○", style="green" if outcome.success else "red")
    now = moment.episode
    state = f"{rate.episodes} of {planned} done, {rate.successes} succeeded"
    if now is None or moment.phase != "running":
        return Group(marks, Text(f"           {state}"))
    word = Text(" success", style="green bold") if now.success else Text("")
    row = Table.grid(padding=(0, 1))
    row.add_row(
        Text("now       ", style="dim"),
        f"seed {now.seed}",
        ProgressBar(total=100, completed=min(100.0, 100 * _share(moment)), width=30),
        f"{now.elapsed_s:5.1f} s",
        word,
    )
    return Group(marks, Text(f"           {state}"), row)


def _share(moment: Moment) -> float:
    now = moment.episode
    return 0.0 if now is None or not now.limit_s else now.elapsed_s / now.limit_s


def _numbers(found: DemoNumbers) -> RenderableType:
    table = Table(box=None, padding=(0, 1), header_style="dim", pad_edge=False)
    for name in ("", "p50", "p99", "max", " "):
        left = not name.strip()
        table.add_column(name, justify="left" if left else "right", no_wrap=True, min_width=9)
    rate = f"  {found.rate_hz:.2f} Hz"
    table.add_row(
        "period error, published", *_spread(found.period_published, PERIOD_LIMIT_MS, 2), rate
    )
    table.add_row(
        "period error, received", *_spread(found.period_received, PERIOD_LIMIT_MS, 2), ""
    )
    table.add_row(
        "observation to action", *_spread(found.first_action, FIRST_ACTION_LIMIT_MS, 1), ""
    )
    nfe = "" if math.isnan(found.nfe) else f"  nfe {found.nfe:.0f}"
    table.add_row("inference", *_spread(found.stages["total"], math.inf, 1), nfe)
    for stage in ("encode", "retrieve", "sample"):
        if found.stages[stage].n:
            table.add_row(f"  {stage}", *_spread(found.stages[stage], math.inf, 1), "")
    late = number(found.control, "late_actions")
    counters = Text(
        f"chunks {found.chunks}  late actions {_count(late)}"
        f"  held ticks {held_ticks(found.control)}  out of distribution {found.ood}",
        style="dim",
    )
    return Group(table, Text(), counters)


def _spread(spread: Quantiles, limit: float, digits: int) -> tuple[RenderableType, ...]:
    cells = []
    for value in (spread.p50, spread.p99, spread.max):
        text = "" if math.isnan(value) else f"{value:.{digits}f} ms"
        cells.append(Text(text, style="red" if value > limit else ""))
    if spread.p99 <= limit < spread.max:
        cells[2].stylize("yellow")
    return tuple(cells)


def _count(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.0f}"
