# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""`dp-accel rollout`: a method's success in lockstep simulation."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from dp_accel_ros.bundle import Bundle, sha256_of
from dp_accel_ros.cli.backend_options import add_backend_options, backend_from
from dp_accel_ros.cli.bundle_options import add_bundle_options, bundle_from
from dp_accel_ros.errors import ConfigError, UnknownNameError
from dp_accel_ros.evaluate.method_settings import method_config, settings_line
from dp_accel_ros.evaluate.rollout import EpisodeResult, RolloutConfig
from dp_accel_ros.evaluate.rollout.file import RolloutFile, evaluate, report
from dp_accel_ros.evaluate.statistics import SuccessRate
from dp_accel_ros.manifest import Manifest
from dp_accel_ros.predict.assemble import load_policy, make_method
from dp_accel_ros.predict.methods import METHOD_CONFIGS, MethodConfig
from dp_accel_ros.predict.speculation.scheduling import PPO, SCHEDULERS
from dp_accel_ros.predict.speculation.scheduling.ppo_scheduler import PpoScheduler, load_scheduler
from dp_accel_ros.sim import TASKS


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    add_bundle_options(parser)
    parser.add_argument("--method", default="ddpm", choices=sorted(METHOD_CONFIGS))
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the method"
    )
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=100_000, help="seed of the first episode")
    parser.add_argument("--n-action-steps", type=int, help="actions run per chunk")
    parser.add_argument(
        "--latency-ticks", type=int, default=0, help="ticks from an observation to its chunk"
    )
    parser.add_argument("--batch", type=int, default=20, help="episodes that run together")
    add_backend_options(parser)
    parser.add_argument("--scheduler", choices=SCHEDULERS, help="who plans the drafts of tsdp")
    parser.add_argument("--out", type=Path, help="JSON file of results; continued if it exists")


def run(args: argparse.Namespace) -> int:
    """Evaluate and print one row."""
    bundle = bundle_from(args)
    manifest = bundle.manifest
    if manifest.task not in TASKS:
        raise UnknownNameError("simulated task", manifest.task, TASKS)
    config = RolloutConfig.of(manifest, args.n_action_steps, args.latency_ticks)
    settings, scheduler = _planned_by(args, bundle)
    facts = {
        "bundle_sha256": sha256_of(bundle.file("manifest.yaml")),
        "task": manifest.task,
        "observe": manifest.observes,
        "method": args.method,
        "settings": settings_line(settings),
        "scheduler": args.scheduler,
        "precision": args.precision,
        "n_action_steps": config.n_action_steps,
        "latency_ticks": config.latency_ticks,
        "first_seed": args.seed,
        "batch": args.batch,
    }
    file = RolloutFile(args.out, facts)
    policy = load_policy(bundle, backend_from(args))
    tasks = [TASKS[manifest.task]() for _ in range(min(args.batch, args.episodes))]
    seeds = range(args.seed, args.seed + args.episodes)
    console = Console()
    with console.status("starting") as status:
        results = evaluate(
            policy,
            make_method(args.method, policy, settings),
            tasks,
            seeds,
            config,
            file,
            lambda so_far: status.update(_progress(so_far, args.episodes)),
            scheduler,
        )
    for task in tasks:
        task.close()
    console.print(_table(facts, report(results), manifest))
    return 0


def _planned_by(
    args: argparse.Namespace, bundle: Bundle
) -> tuple[MethodConfig, PpoScheduler | None]:
    """Return the settings of the method, and the learned scheduler where one plans for it."""
    if args.scheduler is None:
        return method_config(args.method, args.set), None
    if args.method != "tsdp":
        raise ConfigError(f"`--scheduler` plans for method 'tsdp', got {args.method!r}")
    if args.scheduler != PPO:
        return method_config("tsdp", [*args.set, f"lengths={args.scheduler}"]), None
    if args.set:
        raise ConfigError("with `--scheduler ppo` the bundle has the settings, got `--set`")
    scheduler = load_scheduler(bundle)
    return scheduler.base, scheduler


def _progress(results: Sequence[EpisodeResult], n_episodes: int) -> str:
    rate = SuccessRate.of(result.success for result in results)
    return f"{len(results)} of {n_episodes} episodes, success {rate}"


def _table(facts: dict[str, Any], numbers: dict[str, Any], manifest: Manifest) -> Table:
    low, high = (f"{100 * value:.1f}" for value in numbers["wilson_95"])
    ticks = numbers["ticks_of_successes"]["p50_ticks"]
    seconds = "" if ticks is None else f"{ticks:.0f} ({ticks * manifest.dt:.1f} s)"
    table = Table(title=f"{manifest.subject}, lockstep, from seed {facts['first_seed']}")
    table.caption = f"{facts['settings']}, latency_ticks={facts['latency_ticks']}"
    for name in ("method", "n", "success", "95 % interval", "score", "ticks", "nfe", "ood"):
        table.add_column(name, justify="left" if name == "method" else "right", no_wrap=True)
    table.add_row(
        facts["method"],
        str(numbers["n"]),
        f"{100 * numbers['success_rate']:.1f} %",
        f"{low} to {high} %",
        f"{numbers['score_mean']:.3f}",
        seconds,
        f"{numbers['nfe_mean']:g}",
        f"{numbers['ood_chunks']}/{numbers['chunks']}",
    )
    if numbers["speculation"] is not None:
        table.caption = f"{table.caption}\n{_speculated(numbers['speculation'])}"
    return table


def _speculated(told: dict[str, Any]) -> str:
    """Return what drafting came to, in one line."""
    held = "none tested" if told["acceptance"] is None else f"{100 * told['acceptance']:.1f} %"
    return (
        f"a chunk has {told['rounds_mean']:g} rounds, drafts accepted: {held},"
        f" bias budget {told['bias_budget_mean']:g}"
    )
