# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""`dp-accel self-index`: a retrieval store without demonstrations, from the policy's successes."""

from __future__ import annotations

import argparse
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.bundle import Bundle, load_bundle
from dp_accel_ros.bundle.parts import replace_parts
from dp_accel_ros.errors import ConfigError, UnknownNameError
from dp_accel_ros.evaluate.method_settings import method_config, settings_line
from dp_accel_ros.evaluate.rollout.file import batch_prediction
from dp_accel_ros.evaluate.self_index import Collected, collect
from dp_accel_ros.predict.assemble import load_policy, make_method
from dp_accel_ros.predict.methods import METHODS, Diffusion
from dp_accel_ros.predict.retrieval.calibration import (
    USUAL_RATE,
    HeldOut,
    measured,
    with_calibration,
)
from dp_accel_ros.predict.retrieval.conformal import conformal_threshold, least_rate
from dp_accel_ros.sim import TASKS


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    own = sorted(name for name, method in METHODS.items() if method is Diffusion)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--out", type=Path, help="write a copy of the bundle instead")
    parser.add_argument("--method", default="ddpm", choices=own, help="how the policy acts")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the method"
    )
    parser.add_argument("--episodes", type=int, default=200, help="successes wanted")
    parser.add_argument("--seed", type=int, default=200_000, help="seed of the first episode")
    parser.add_argument("--batch", type=int, default=20, help="episodes that run together")
    parser.add_argument("--threads", type=int, default=BackendConfig().threads)


def run(args: argparse.Namespace) -> int:
    """Roll out, collect, and write the store into the bundle."""
    bundle, console = load_bundle(args.bundle), Console()
    if args.out is not None and args.out.exists():
        raise ConfigError(f"{args.out} exists; choose another folder for --out")
    if args.episodes < 2:
        raise ConfigError(f"`episodes` must be at least 2, got {args.episodes}")
    found = _collected(bundle, args, console)
    target = bundle.path
    if args.out is not None:
        shutil.copytree(bundle.path, args.out)
        target = args.out
    done = _written(target, bundle, found, _provenance(args, found))
    if bundle.manifest.knowledge is not None:
        console.print("the knowledge base went: its conditions were those of the store before")
    console.print(
        f"{len(found.seeds)} successes of {found.n_tried} episodes,"
        f" {len(found.arrays.actions)} frames in {done.path}"
    )
    return 0


def _collected(bundle: Bundle, args: argparse.Namespace, console: Console) -> Collected:
    name = bundle.manifest.task
    if name not in TASKS:
        raise UnknownNameError("simulated task", name, TASKS)
    policy = load_policy(bundle, BackendConfig(threads=args.threads))
    method = make_method(args.method, policy, method_config(args.method, args.set))
    tasks = [TASKS[name]() for _ in range(args.batch)]
    columns = (
        *Progress.get_default_columns()[:2],
        MofNCompleteColumn(),
        TextColumn("of {task.fields[tried]} episodes"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("successes", total=args.episodes, tried=0)
        found = collect(
            policy,
            lambda seeds: batch_prediction(policy, method, np.random.default_rng(list(seeds))),
            tasks,
            args.episodes,
            args.seed,
            lambda kept, tried: progress.update(bar, completed=kept, tried=tried),
        )
    for task in tasks:
        task.close()
    return found


def _written(target: Path, bundle: Bundle, found: Collected, notes: dict[str, Any]) -> Bundle:
    """Put a store into a bundle with its own calibration; what rested on the old store goes."""
    arrays = found.arrays
    looked_up = measured(arrays, HeldOut.of(arrays, arrays), bundle.manifest)
    rate = max(USUAL_RATE, least_rate(arrays.episode_ends))
    gamma = conformal_threshold(looked_up.arrays.alt_similarities, arrays.episode_ends, rate)
    facts = bundle.manifest.retrieval
    kept = {} if facts is None or facts.key_scale is None else {"key_scale": facts.key_scale}
    sections = {
        "retrieval": {"alt_threshold": round(gamma, 4), **kept},
        "calibration": None,
        "knowledge": None,
    }
    made = replace_parts(
        target, sections, {"retrieval": asdict(arrays.halved)}, {"retrieval": notes}
    )
    remark = {"command": "dp-accel self-index", "episodes": len(found.seeds)}
    return with_calibration(made, looked_up, rate, remark)


def _provenance(args: argparse.Namespace, found: Collected) -> dict[str, Any]:
    settings = settings_line(method_config(args.method, args.set))
    command = f"dp-accel self-index --method {args.method} --episodes {args.episodes}"
    return {
        "from": "successful rollouts of the policy itself; no demonstrations",
        "command": f"{command} --seed {args.seed}",
        "settings": settings,
        "successes": len(found.seeds),
        "episodes": found.n_tried,
    }
