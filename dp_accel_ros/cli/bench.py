# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""`dp-accel bench`: every method of a bundle and its sweep under one protocol."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.bundle import Bundle
from dp_accel_ros.cli.backend_options import add_backend_options, backend_from
from dp_accel_ros.cli.bundle_options import add_bundle_options, bundle_from
from dp_accel_ros.errors import UnknownNameError
from dp_accel_ros.evaluate.bench.bench import Bench
from dp_accel_ros.evaluate.bench.entrants import Entrant
from dp_accel_ros.evaluate.bench.estimate import row_s, tick_s
from dp_accel_ros.evaluate.bench.folder import BenchFolder
from dp_accel_ros.evaluate.bench.modes.mode_pass import ModePass
from dp_accel_ros.evaluate.bench.plots import plot_all
from dp_accel_ros.evaluate.bench.protocol import Protocol
from dp_accel_ros.evaluate.bench.table import VERSUS, cells, columns
from dp_accel_ros.evaluate.rollout import EpisodeResult
from dp_accel_ros.evaluate.statistics import SuccessRate
from dp_accel_ros.sim import TASKS
from dp_accel_ros.sim.base import Task

SHOWN = ("method", "success", "95 %", "n", "nfe", "p50 ms", "p99 ms", *VERSUS)
"""Columns that fit a terminal; the files have all."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    usual = Protocol()
    add_bundle_options(parser)
    parser.add_argument(
        "--out",
        type=Path,
        help="folder of results, continued if there (default: runs/TASK/bench, or by senses and "
        "backend, as runs/TASK_pixels/bench_cuda)",
    )
    parser.add_argument(
        "--only",
        "--rows",
        action="append",
        default=[],
        metavar="ROW",
        help="row or method; may have *",
    )
    parser.add_argument("--list", action="store_true", help="show rows and how long they take")
    parser.add_argument("--episodes", type=int, default=usual.n_episodes, help="of each row")
    parser.add_argument("--seed", type=int, default=usual.first_seed, help="of the first episode")
    parser.add_argument("--batch", type=int, default=usual.batch, help="episodes run together")
    parser.add_argument("--rounds", type=int, default=usual.rounds, help="turns in the timing")
    parser.add_argument(
        "--starts",
        type=int,
        default=usual.n_starts,
        help="from which ways to the goal are counted",
    )
    parser.add_argument("--repeats", type=int, default=usual.n_repeats, help="from each of them")
    parser.add_argument("--no-episodes", action="store_true", help="leave the success rates out")
    parser.add_argument("--no-modes", action="store_true", help="leave that counting out")
    parser.add_argument("--no-latency", action="store_true", help="leave the timing out")
    parser.add_argument("--retime", action="store_true", help="time again what was timed before")
    add_backend_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run what is missing, and write table and plots."""
    bundle, backend, console = bundle_from(args), backend_from(args), Console()
    task = bundle.manifest.task
    if task not in TASKS:
        raise UnknownNameError("simulated task", task, TASKS)
    bench = Bench.of(
        bundle,
        backend,
        Protocol(
            n_episodes=args.episodes,
            first_seed=args.seed,
            batch=args.batch,
            rounds=args.rounds,
            n_starts=args.starts,
            n_repeats=args.repeats,
        ),
        BenchFolder(args.out or _folder(bundle, backend)),
        time.perf_counter,
        args.only,
    )
    tasks = [TASKS[task]() for _ in range(_n_tasks(bench, args))]
    try:
        if args.list:
            console.print(_listing(bench, tasks[0]))
            _print_absent(bench, console)
            return 0
        if not args.no_episodes:
            _run_rows(bench, tasks, console)
        if bench.modes is not None and not args.no_modes:
            _count_modes(bench, bench.modes, tasks[: bench.protocol.batch], console)
        if not args.no_latency and (args.retime or bench.needs_timing):
            _time_rows(bench, tasks[0], console)
    finally:
        for one in tasks:
            one.close()
    bench.write()
    plot_all(bench.folder.path, bench.results, bundle.manifest.subject)
    if bench.results.measured:
        console.print(_summary(bench))
    for line in bench.ways.lines:
        console.print(line, soft_wrap=True)
    _print_absent(bench, console)
    console.print(f"written to {bench.folder.path}")
    return 0


def _folder(bundle: Bundle, backend: BackendConfig) -> Path:
    """Return where results are kept by default: times of one backend say nothing of another."""
    usual = BackendConfig()
    pairs = ((backend.provider, usual.provider), (backend.runtime, usual.runtime))
    name = "_".join(["bench", *(value for value, default in pairs if value != default)])
    return Path("runs") / bundle.manifest.subject / name


def _n_tasks(bench: Bench, args: argparse.Namespace) -> int:
    """Return how many simulations run at once."""
    wanted = [1]
    if not (args.list or args.no_episodes) and _missing(bench):
        wanted.append(bench.protocol.n_tasks)
    if not (args.list or args.no_modes) and bench.compared:
        wanted.append(min(bench.protocol.batch, bench.protocol.n_repeats))
    return max(wanted)


def _missing(bench: Bench) -> int:
    return sum(bench.missing(entrant) for entrant in bench.wanted)


def _run_rows(bench: Bench, tasks: Sequence[Task], console: Console) -> None:
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("episodes", total=_missing(bench))
        for entrant in _cheapest_first(bench, tasks):
            there = bench.protocol.n_episodes - bench.missing(entrant)
            before, began = progress.tasks[bar].completed, time.process_time()
            shown = _Shown(progress, bar, entrant.row.label, before - there)
            bench.run_row(entrant, tasks, shown)
            # of the processor: on a busy machine the clock says nothing about the next run
            took = _duration(time.process_time() - began)
            console.print(f"{shown.line} in {took} of the processor")


def _count_modes(bench: Bench, modes: ModePass, tasks: Sequence[Task], console: Console) -> None:
    """Run the episodes that tell which way each row takes, as many at once as rows have."""
    with Progress(console=console, transient=True) as progress:
        total = sum(modes.missing(entrant) for entrant in bench.compared)
        bar = progress.add_task("ways", total=total)
        for entrant in bench.compared:
            progress.update(bar, description=f"ways of {entrant.row.label}")
            modes.run_row(entrant, tasks, lambda n: progress.advance(bar, n))
            bench.write()


def _cheapest_first(bench: Bench, tasks: Sequence[Task]) -> list[Entrant]:
    """Return the rows that lack episodes, so that whoever stops early has most of the table."""
    lacking = [entrant for entrant in bench.wanted if bench.missing(entrant)]
    return sorted(lacking, key=_costs_s(bench, tasks[0])) if len(lacking) > 1 else lacking


def _costs_s(bench: Bench, task: Task) -> Callable[[Entrant], float]:
    """Return how long a row's missing episodes take at most, s, as a function of the row."""
    with_images = bool(bench.bundle.manifest.cameras)
    tick = tick_s(task, time.perf_counter, with_images=with_images)

    def cost_s(entrant: Entrant) -> float:
        missing = bench.missing(entrant)
        return row_s(entrant, bench.protocol, missing, task, tick, time.perf_counter)

    return cost_s


class _Shown:
    """Shows how far a row is; called with its results after every batch."""

    def __init__(self, progress: Progress, bar: TaskID, label: str, offset: float) -> None:
        self._progress, self._bar, self._label, self._offset = progress, bar, label, offset
        self.line = label

    def __call__(self, so_far: Sequence[EpisodeResult]) -> None:
        rate = SuccessRate.of(result.success for result in so_far)
        self.line = f"{self._label}: {rate}"
        done = self._offset + len(so_far)
        self._progress.update(self._bar, completed=done, description=self.line)


def _time_rows(bench: Bench, task: Task, console: Console) -> None:
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("timing", total=bench.protocol.rounds)
        bench.time_rows(task, time.perf_counter, lambda done: progress.update(bar, completed=done))


def _listing(bench: Bench, task: Task) -> Table:
    table = Table(title=f"rows for {bench.bundle.manifest.subject}", box=box.SIMPLE_HEAD)
    for name in ("row", "what", "episodes there", "takes at most"):
        table.add_column(name, justify="right" if name[0] in "et" else "left")
    costs_s, total = _costs_s(bench, task), 0.0
    for entrant in bench.wanted:
        missing, took = bench.missing(entrant), costs_s(entrant)
        total += took
        there = f"{bench.protocol.n_episodes - missing} of {bench.protocol.n_episodes}"
        table.add_row(entrant.row.name, entrant.row.label, there, _duration(took))
    table.add_row("", "all", "", _duration(total))
    return table


def _print_absent(bench: Bench, console: Console) -> None:
    for absent in bench.absent:
        console.print(f"[dim]not run: {absent.row.name}: {absent.reason}", soft_wrap=True)


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _summary(bench: Bench) -> Table:
    found = bench.results
    table = Table(title=bench.bundle.manifest.subject, box=box.SIMPLE_HEAD, pad_edge=False)
    names = [name for name in columns(found) if name in SHOWN]
    for name in names:
        table.add_column(name, no_wrap=True, justify="left" if name == "method" else "right")
    wanted = {entrant.row.name for entrant in bench.wanted}
    for result in found.measured:
        if result.row.name in wanted:
            table.add_row(*cells(result, names))
    return table
