# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The demo on the terminal: a live table where there is one, plain lines in a log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from dp_accel_ros.evaluate.demo.config import DemoConfig
from dp_accel_ros.evaluate.demo.live_table import live_table, progress_line
from dp_accel_ros.evaluate.demo.numbers import DemoNumbers, demo_numbers
from dp_accel_ros.evaluate.demo.telemetry import Telemetry
from dp_accel_ros.evaluate.demo.watch import Moment, Show

REFRESH_S, LINE_S = 0.3, 5.0
"""Time between pictures of the live table, and between lines of a log."""

RECENT_S = 60.0
"""The live numbers are about so long a time; the summary is about all of it."""


@contextmanager
def screen(config: DemoConfig, dt: float, heard: Telemetry, console: Console) -> Iterator[Show]:
    """Show the demo while the block runs; yields who is told of every moment."""
    if not console.is_terminal:
        yield _Screen(config, dt, heard, console, None)
        return
    with Live(console=console, auto_refresh=False) as live:
        yield _Screen(config, dt, heard, console, live)


class _Screen:
    """Draws a moment, but not every one: drawing takes time from the robot."""

    def __init__(
        self,
        config: DemoConfig,
        dt: float,
        heard: Telemetry,
        console: Console,
        live: Live | None,
    ) -> None:
        self._dt, self._heard, self._console, self._live = dt, heard, console, live
        self._title = f"dp_accel_ros · {config.task} · {config.method}"
        minutes = config.minutes
        self._planned = f"{config.episodes}" if minutes is None else f"{minutes:g} minutes"
        self._due_s = 0.0

    def __call__(self, moment: Moment) -> None:
        if time.monotonic() < self._due_s:
            return
        self._due_s = time.monotonic() + (LINE_S if self._live is None else REFRESH_S)
        found = self._recent(moment)
        if self._live is None:
            self._console.print(progress_line(moment, found), soft_wrap=True)
        else:
            self._live.update(live_table(self._title, moment, found, self._planned), refresh=True)

    def _recent(self, moment: Moment) -> DemoNumbers:
        pauses_ns = [(outcome.began_ns, outcome.reset_ns) for outcome in moment.outcomes]
        since_ns = time.time_ns() - round(RECENT_S * 1e9)
        return demo_numbers(self._heard, self._dt, pauses_ns, since_ns)


def result_table(summary: dict[str, Any]) -> Table:
    """Return what a demo came to."""
    success = summary["success"]
    low, high = (f"{100 * bound:.0f}" for bound in success["wilson_95"])
    trajectory = summary["joint_trajectory"]
    table = Table(title=f"{summary['task']}, {summary['method']} ({summary['settings']})")
    for name in ("", "p50", "p99", "max"):
        table.add_column(name, justify="left" if not name else "right", no_wrap=True)
    for label, spread in (
        ("period error at the publisher [ms]", trajectory["period_error_at_the_publisher"]),
        ("period error at a subscriber [ms]", trajectory["period_error_at_a_subscriber"]),
        (
            "observation to first action [ms]",
            summary["observation_to_first_action"]["seen_from_outside"],
        ),
        ("inference [ms]", summary["inference"]["total"]),
    ):
        table.add_row(label, *(_text(spread[f"{key}_ms"]) for key in ("p50", "p99", "max")))
    table.caption = (
        f"{success['successes']} of {success['episodes']} episodes succeeded"
        f" ({low} to {high} %), {trajectory['rate_hz']:.2f} Hz,"
        f" nfe {summary['inference']['nfe_mean']}"
    )
    return table


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
