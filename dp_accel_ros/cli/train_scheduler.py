# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""`dp-accel train-scheduler`: PPO for TS-DP's chunk scheduler, on rollouts of a bundle."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from dp_accel_ros.bundle import Bundle, load_bundle, sha256_of
from dp_accel_ros.cli.backend_options import add_backend_options, backend_from
from dp_accel_ros.cli.bundle_options import default_bundle
from dp_accel_ros.errors import ConfigError, UnknownNameError
from dp_accel_ros.predict.assemble import load_policy
from dp_accel_ros.predict.methods import TsdpConfig
from dp_accel_ros.predict.speculation.drafters import DRAFTERS
from dp_accel_ros.predict.speculation.scheduling.choices import KNOBS
from dp_accel_ros.sim import TASKS

if TYPE_CHECKING:
    from dp_accel_ros.train.scheduler_env import ChunkEnv

SHOWN = {"reward": "reward", "rounds": "rounds", "success_rate": "success"}
"""Columns of the learning curve beside the progress bar, and what they are called there."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    usual = TsdpConfig()
    parser.add_argument("--bundle", type=Path, default=default_bundle())
    parser.add_argument(
        "--runs", type=Path, help="folder in which the run `scheduler` is (default: runs/TASK)"
    )
    parser.add_argument("--accept", default=usual.accept, choices=KNOBS, help="TS-DP's rule")
    parser.add_argument("--drafter", default=usual.drafter, choices=DRAFTERS)
    parser.add_argument(
        "--iterations", type=int, default=40, help="updates in all; more continue a finished run"
    )
    parser.add_argument("--chunks", type=int, default=128, help="chunks between two updates")
    parser.add_argument("--seed", type=int, default=0)
    add_backend_options(parser)
    parser.add_argument(
        "--keep-bundle", action="store_true", help="do not put the scheduler into the bundle"
    )


def run(args: argparse.Namespace) -> int:
    """Train, continuing a run that exists, export, and put the actor into the bundle."""
    if args.iterations < 1:
        raise ConfigError(f"`--iterations` must be at least 1, got {args.iterations}")
    # stable-baselines3 takes seconds to import, which a wrong option need not wait for
    from dp_accel_ros.train import scheduler_bundle as output
    from dp_accel_ros.train.loop import use_threads
    from dp_accel_ros.train.run_folder import RunFolder
    from dp_accel_ros.train.scheduler import PpoConfig, known, ppo_for, train_scheduler

    use_threads(1)  # of the actor, which is small
    bundle = load_bundle(args.bundle)
    folder = RunFolder((args.runs or Path("runs") / bundle.manifest.task) / "scheduler")
    env = _environment(bundle, args)
    batch_size = min(args.chunks, PpoConfig().batch_size)
    ppo = PpoConfig(chunks_per_iteration=args.chunks, batch_size=batch_size, seed=args.seed)
    recipe = output.SchedulerRecipe(
        denoiser=sha256_of(bundle.file(bundle.manifest.denoiser.file)),
        accept=args.accept,
        drafter=args.drafter,
        ppo=ppo,
    )
    folder.begin(recipe)
    agent, curve = ppo_for(env, ppo), []
    with tqdm(total=args.iterations * args.chunks, desc="chunks", mininterval=1.0) as bar:
        for curve in train_scheduler(agent, ppo, folder, args.iterations, bar.update):
            bar.update(len(curve) * args.chunks - bar.n)
            bar.set_postfix(progress(known(curve[-1])) if curve else {}, refresh=False)
    output.plot_curve(curve, folder.path / "curve.png")
    parity = output.export_actor(agent, folder)
    folder.finish({**known(curve[-1]), "onnx_max_abs_error": parity.max_abs_error})
    if not args.keep_bundle:
        output.add_to_bundle(bundle.path, env, folder)
    env.close()
    places = [folder.path] if args.keep_bundle else [folder.path, bundle.path]
    print("in " + " and ".join(map(str, places)))
    return 0


def progress(row: dict[str, float]) -> dict[str, str]:
    """Return what a progress bar says of an iteration, given what is known of it."""
    return {word: f"{row[name]:.3g}" for name, word in SHOWN.items() if name in row}


def _environment(bundle: Bundle, args: argparse.Namespace) -> ChunkEnv:
    from dp_accel_ros.train.scheduler_env import ChunkEnv

    task = bundle.manifest.task
    if task not in TASKS:
        raise UnknownNameError("simulated task", task, TASKS)
    backend = backend_from(args)
    base = TsdpConfig(accept=args.accept, drafter=args.drafter, lengths="fixed")
    return ChunkEnv(load_policy(bundle, backend), TASKS[task](), base)
