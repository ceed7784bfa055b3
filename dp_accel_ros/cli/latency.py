# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""`dp-accel latency`: every method side by side in one run."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from dp_accel_ros.bundle import sha256_of
from dp_accel_ros.cli.backend_options import add_backend_options, backend_from
from dp_accel_ros.cli.bundle_options import add_bundle_options, bundle_from
from dp_accel_ros.evaluate.latency.line_up import contenders, noise_observations
from dp_accel_ros.evaluate.latency.report import (
    columns,
    document,
    how_it_was_timed,
    markdown,
    rows,
)
from dp_accel_ros.evaluate.latency.timing import measure
from dp_accel_ros.evaluate.machine import machine_facts

N_OBSERVATIONS = 16


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    add_bundle_options(parser)
    parser.add_argument("--rounds", type=int, default=20, help="turns of every method")
    add_backend_options(parser)
    parser.add_argument("--out", type=Path, help="folder for latency.md and latency.json")


def run(args: argparse.Namespace) -> int:
    """Time everybody and print the table."""
    bundle, machine = bundle_from(args), machine_facts()
    found, notes = contenders(bundle, backend_from(args))
    notes = [*how_it_was_timed(machine, args.threads, args.rounds), *notes]
    console = Console()
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("timing", total=args.rounds)
        timings = measure(
            found,
            noise_observations(bundle.manifest, N_OBSERVATIONS),
            time.perf_counter,
            rounds=args.rounds,
            on_round=lambda done: progress.update(bar, completed=done),
        )
    table = Table(
        title=f"one chunk of {bundle.manifest.task}", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for index, name in enumerate(columns(timings)):
        table.add_column(name, no_wrap=True, justify="left" if index < 2 else "right")
    for cells in rows(timings):
        table.add_row(*cells)
    console.print(table)
    for note in notes:
        console.print(f"[dim]{note}", soft_wrap=True)
    if args.out is not None:
        facts = {
            "bundle_sha256": sha256_of(bundle.file("manifest.yaml")),
            "threads": args.threads,
            "machine": machine,
        }
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "latency.md").write_text(markdown(timings, notes), encoding="utf-8")
        text = json.dumps(document(timings, notes, facts), indent=1)
        (args.out / "latency.json").write_text(text + "\n", encoding="utf-8")
        console.print(f"written to {args.out}")
    return 0
