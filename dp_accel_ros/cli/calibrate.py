# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""`dp-accel calibrate`: let held-out demonstrations say how far a bundle's store can be trusted."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.bundle import Bundle, load_bundle
from dp_accel_ros.data.episodes import Episodes
from dp_accel_ros.errors import ConfigError
from dp_accel_ros.evaluate.held_out_frames import encoded_frames
from dp_accel_ros.predict.assemble import load_policy
from dp_accel_ros.predict.methods.leap import steps_within
from dp_accel_ros.predict.retrieval.calibration import (
    USUAL_RATE,
    Calibration,
    HeldOut,
    Measured,
    measured,
    with_calibration,
)
from dp_accel_ros.predict.retrieval.conformal import conformal_threshold, least_rate
from dp_accel_ros.predict.schedule import NoiseSchedule, schedule_from

RATES = (0.01, 0.02, 0.05, 0.1)
TOLERANCES = (0.1, 0.2, 0.5, 0.7, 0.9, 0.95)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument("bundle", type=Path)
    parser.add_argument(
        "--demonstrations",
        type=Path,
        help="recorded episodes to look up; one that the store holds does not find itself. "
        "Default: the store's own",
    )
    parser.add_argument(
        "--false-alarm-rate",
        type=float,
        help="most of the in-distribution frames that ALT may flag by default (default: "
        f"{USUAL_RATE:g}, or the least that so few episodes can promise)",
    )
    parser.add_argument("--threads", type=int, default=BackendConfig().threads)


def run(args: argparse.Namespace) -> int:
    """Write the calibration into the bundle and say what it comes to."""
    bundle, console = load_bundle(args.bundle), Console()
    if bundle.store is None:
        raise ConfigError(
            f"{args.bundle}: a calibration is that of a retrieval store; it has none"
        )
    held_out = _held_out(bundle, args, console)
    with console.status("looking every episode up in the others"):
        found = measured(bundle.store, held_out, bundle.manifest)
    ends = found.arrays.episode_ends
    rate = max(USUAL_RATE, least_rate(ends))
    if args.false_alarm_rate is not None:
        rate = args.false_alarm_rate
    gamma = conformal_threshold(found.arrays.alt_similarities, ends, rate)
    done = with_calibration(bundle, found, rate, _provenance(held_out, rate, gamma))
    console.print(_leaps(found, schedule_from(bundle.manifest.schedule)))
    console.print(_thresholds(found))
    console.print(f"ALT threshold {gamma:.4f} for a rate of {rate:.3g}, in {done.path}")
    return 0


def _held_out(bundle: Bundle, args: argparse.Namespace, console: Console) -> HeldOut:
    store = bundle.store
    if store is None:
        raise AssertionError("the caller has looked")
    if args.demonstrations is None:
        return HeldOut.of(store, store)
    episodes = Episodes.open(args.demonstrations)
    policy = load_policy(bundle, BackendConfig(threads=args.threads))
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("encoding frames", total=episodes.n_frames)
        frames = encoded_frames(
            policy, episodes, lambda done: progress.update(bar, completed=done)
        )
    return HeldOut.of(frames, store)


def _provenance(held_out: HeldOut, rate: float, gamma: float) -> dict[str, Any]:
    n_episodes = len(held_out.frames.episode_ends)
    return {
        "command": f"dp-accel calibrate --false-alarm-rate {rate:g}",
        "episodes": n_episodes,
        "of the store, each left out in turn": held_out.n_known,
        "alt_threshold": round(gamma, 4),
    }


def _leaps(found: Measured, schedule: NoiseSchedule) -> Table:
    curve = Calibration.of(found.arrays, 0.5).curve
    distances = curve.at(found.nearest)
    table = Table(title="`ragdp` with `leap_mode` auto, ddpm, one neighbour")
    low, high = np.quantile(distances, [0.05, 0.95])
    table.caption = f"expected chunk distance of held-out frames {low:.2f} to {high:.2f} (5, 95 %)"
    for name in ("leap_tolerance", "steps p5", "p50", "p95", "mean"):
        table.add_column(name, justify="right", no_wrap=True)
    levels = list(range(len(schedule) - 1, -1, -1))
    for tolerance in TOLERANCES:
        steps = steps_within(schedule, levels, distances, tolerance)
        cells = (f"{value:.0f}" for value in np.quantile(steps, [0.05, 0.5, 0.95]))
        table.add_row(f"{tolerance:g}", *cells, f"{steps.mean():.1f}")
    return table


def _thresholds(found: Measured) -> Table:
    ends, similarities = found.arrays.episode_ends, found.arrays.alt_similarities
    table = Table(title="`alt` by split-conformal calibration")
    table.caption = f"{len(ends)} episodes can promise {least_rate(ends):.2g} or more"
    for name in ("false_alarm_rate", "threshold"):
        table.add_column(name, justify="right", no_wrap=True)
    for rate in RATES:
        if rate >= least_rate(ends):
            gamma = conformal_threshold(similarities, ends, rate)
            table.add_row(f"{rate:g}", f"{gamma:.4f}")
    return table
