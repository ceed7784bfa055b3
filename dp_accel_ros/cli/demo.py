# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""`dp-accel demo`: the simulated arm under the two ROS 2 nodes, watched from outside."""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from dp_accel_ros.cli.bundle_options import add_bundle_options, bundle_from
from dp_accel_ros.cli.demo_screen import result_table, screen
from dp_accel_ros.errors import BackendError, DpAccelError
from dp_accel_ros.evaluate.demo.config import DemoConfig
from dp_accel_ros.evaluate.demo.folder import (
    SUMMARY,
    recorded_episodes,
    write_demo_film,
    write_plots,
    write_summary,
)
from dp_accel_ros.evaluate.demo.watch import Demo, Watched, running
from dp_accel_ros.evaluate.machine import machine_facts, machine_line
from dp_accel_ros.evaluate.method_settings import method_config
from dp_accel_ros.manifest import Manifest
from dp_accel_ros.predict.methods import METHOD_CONFIGS
from dp_accel_ros.predict.speculation.scheduling import FIXED, SCHEDULERS
from dp_accel_ros.sim.recording import Recording


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    add_bundle_options(parser)
    parser.add_argument("--method", default="ragdp", choices=sorted(METHOD_CONFIGS))
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the method"
    )
    parser.add_argument(
        "--scheduler", default=FIXED, choices=SCHEDULERS, help="who plans the drafts of tsdp"
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--episodes", type=int, help="episodes to run (5)")
    length.add_argument("--minutes", type=float, help="run episodes for so long")
    parser.add_argument("--seed", type=int, default=200_000, help="seed of the first episode")
    # the simulated robot and the scheduler need the other half
    half = max(1, min(4, len(os.sched_getaffinity(0)) // 2))
    parser.add_argument(
        "--threads",
        type=int,
        default=half,
        help=f"threads of the networks (half the cores: {half})",
    )
    parser.add_argument("--domain", type=int, help="ROS_DOMAIN_ID (one of the demo's own)")
    parser.add_argument("--out", type=Path, help="folder for what is left (runs/demo/...)")
    parser.add_argument(
        "--film-episodes", type=int, default=5, help="episodes in the film; 0 for no film"
    )


def run(args: argparse.Namespace) -> int:
    """Run the demo; 1 when an episode could not run, 130 after Ctrl-C."""
    manifest = bundle_from(args).manifest
    config = _config(args, manifest)
    console = Console(highlight=False)
    machine = machine_facts()
    console.print(f"[dim]{machine_line(machine)}; logs and results in {config.out}")
    watched = _watch(config, manifest.dt, console)
    facts = {
        "processor_shares": watched.processor_shares,
        "machine_stood_still_s": watched.stalls_s,
        "ended": "as planned" if watched.error is None else _reason(watched.error),
        "machine": machine,
    }
    summary = write_summary(config, watched.outcomes, watched.telemetry, manifest.dt, facts)
    written = [config.out / SUMMARY]
    written += write_plots(config, watched.outcomes, watched.telemetry, manifest.dt)
    if watched.error is None:
        nfe = summary["inference"]["nfe_mean"]
        episodes = recorded_episodes(config, watched.outcomes)[: args.film_episodes]
        written += _film(config, episodes, nfe, console)
    console.print(result_table(summary))
    for path in written:
        console.print(f"  {path}")
    if watched.error is None:
        return 0
    console.print(f"[red]stopped: {_reason(watched.error)}")
    return 130 if isinstance(watched.error, KeyboardInterrupt) else 1


def _config(args: argparse.Namespace, manifest: Manifest) -> DemoConfig:
    name = f"{datetime.now():%Y%m%d-%H%M%S}-{args.method}"
    return DemoConfig(
        bundle=args.bundle,
        task=manifest.task,
        observe=args.observe,
        method=args.method,
        settings=method_config(args.method, args.set),
        out=args.out or Path("runs/demo") / name,
        seed=args.seed,
        episodes=None if args.minutes else (5 if args.episodes is None else args.episodes),
        minutes=args.minutes,
        # two demos at once on one machine must not hear each other
        domain=1 + os.getpid() % 100 if args.domain is None else args.domain,
        threads=args.threads,
        with_images=bool(manifest.cameras),
        scheduler=args.scheduler,
    )


def _watch(config: DemoConfig, dt: float, console: Console) -> Watched:
    """Run everything and return what was seen, whatever ended it."""
    try:
        from dp_accel_ros.nodes.demo_observer import DemoObserver
    except ImportError as error:
        raise BackendError(
            f"the demo needs ROS 2: {error}; source a ROS 2 installation, or install the wheels"
            " with `pip install dp_accel_ros[ros]`"
        ) from error
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    failure: DpAccelError | KeyboardInterrupt | None = None
    observer = DemoObserver(config.domain)
    with running(config) as children, screen(config, dt, observer.telemetry, console) as show:
        demo = Demo(observer, children, show)
        try:
            demo.run(config)
        except (DpAccelError, KeyboardInterrupt) as error:
            failure = error
        shares = demo.processor_shares()
    observer.close()
    outcomes, stalls_s = tuple(demo.outcomes), tuple(demo.stalls_s)
    return Watched(observer.telemetry, outcomes, shares, stalls_s, failure)


def _film(
    config: DemoConfig, episodes: Sequence[Recording], nfe: float | None, console: Console
) -> list[Path]:
    if not episodes:
        return []
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("drawing the film", total=None)
        return [
            write_demo_film(
                config,
                episodes,
                nfe,
                lambda done, total: progress.update(bar, completed=done, total=total),
            )
        ]


def _reason(error: BaseException) -> str:
    return "interrupted" if isinstance(error, KeyboardInterrupt) else str(error)
