# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The options that record, train, export and build share."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from dp_accel_ros.data.perception_set import PerceptionSet
from dp_accel_ros.data.record import Exploration
from dp_accel_ros.manifest.encoders import OBSERVED
from dp_accel_ros.sim import TASKS
from dp_accel_ros.train.consistency import ConsistencyConfig
from dp_accel_ros.train.contrastive import ContrastiveConfig
from dp_accel_ros.train.diffusion import CONDITIONS, DiffusionConfig
from dp_accel_ros.train.drafter import DrafterConfig
from dp_accel_ros.train.edm import EdmConfig
from dp_accel_ros.train.loop import use_threads
from dp_accel_ros.train.own_successes import OwnSuccesses
from dp_accel_ros.train.perception import OBJECTIVES, PerceptionConfig
from dp_accel_ros.train.stages import Stage
from dp_accel_ros.train.workshop import OPTIONAL, TRAINED, Recipe, Workshop

STATE_NOISE = {"estimate_noise": 0.01, "joint_noise": 0.005}
"""Noise on the condition of policies that take the state: it is measured, not estimated."""

USUAL_BY_TASK: dict[str, dict[str, Any]] = {
    "pick_place": {
        "demonstrations": 300,
        "stored": 130,
        "layers": 6,
        "width": 192,
        "actions_per_token": 4,
        "diffusion_steps": 9000,
        "edm_steps": 4500,
    },
    "block_push": {
        "observe": "state",
        "demonstrations": 400,
        "stored": 150,
        "layers": 4,
        "width": 128,
        "actions_per_token": 4,
        "diffusion_steps": 20000,
    },
    "pusht": {
        "observe": "state",
        "estimator": True,
        "scenes": 2400,
        "perception_steps": 4000,
        "perception_batch": 64,
        "layers": 4,
        "width": 192,
        "actions_per_token": 4,
        "diffusion_steps": 40000,
    },
}
"""Options of a task where none are given: those that its bundle in `models` was made with."""

NETWORKS = (*TRAINED, *OPTIONAL)
QUICK = {"demonstrations": 2, "own_successes": 0, "scenes": 3, "layers": 1, "width": 32}
QUICK |= {f"{stage}_steps": 3 for stage in NETWORKS} | {f"{stage}_batch": 8 for stage in NETWORKS}


def add_recipe_options(parser: argparse.ArgumentParser) -> None:
    """Add the options from which `workshop_from` makes a workshop."""
    parser.add_argument("--task", default="lift", choices=sorted(TASKS))
    parser.add_argument(
        "--observe", choices=OBSERVED, help="what the policy takes beside the joints (by task)"
    )
    parser.add_argument(
        "--estimator",
        action=argparse.BooleanOptionalAction,
        help="with the state: whether images can stand in for it (by task)",
    )
    parser.add_argument(
        "--recordings", type=Path, help="recorded demonstrations, for a task without an expert"
    )
    parser.add_argument("--runs", type=Path, help="folder of all stages (default: runs/TASK)")
    parser.add_argument("--demonstrations", type=int, help="how many to record (default: by task)")
    parser.add_argument(
        "--stored", type=int, help="of these in the retrieval store (default: by task, or all)"
    )
    parser.add_argument(
        "--own-successes",
        type=int,
        default=OwnSuccesses().n_episodes,
        metavar="N",
        help="the policy's own, stored in the place of recordings of others",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the first demonstration")
    parser.add_argument(
        "--exploration",
        type=float,
        default=Exploration().sigma_rad,
        metavar="RAD",
        help="noise on the executed targets while demonstrating",
    )
    parser.add_argument(
        "--scenes", type=int, help="from which images are learned (default: by task)"
    )
    for stage in NETWORKS:
        parser.add_argument(f"--{stage}-steps", type=int, help=f"training steps of {stage}")
        parser.add_argument(f"--{stage}-batch", type=int, help=f"batch size of {stage}")
    parser.add_argument("--objective", default="state", choices=OBJECTIVES)
    parser.add_argument("--condition", default="state", choices=CONDITIONS)
    parser.add_argument("--layers", type=int, help="of the denoiser (default: by task)")
    parser.add_argument("--width", type=int, help="of the denoiser (default: by task)")
    parser.add_argument(
        "--actions-per-token", type=int, help="of the denoiser's chunk (default: by task)"
    )
    parser.add_argument("--threads", type=int, default=2, help="threads of training")
    parser.add_argument(
        "--quick", action="store_true", help="a few steps of tiny networks, to try the way itself"
    )


def workshop_from(args: argparse.Namespace) -> Workshop:
    """Return the workshop that the options describe, and pin its threads."""
    if args.quick:
        vars(args).update(QUICK)
    usual = {
        "observe": "pixels",
        "estimator": False,
        "scenes": PerceptionSet().n_scenes,
        "demonstrations": Recipe(task="").n_demonstrations,
        "layers": DiffusionConfig().n_layers,
        "actions_per_token": DiffusionConfig().actions_per_token,
        "width": DiffusionConfig().width,
    }
    for name, value in (usual | USUAL_BY_TASK.get(args.task, {})).items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    use_threads(args.threads)
    perception = replace(PerceptionConfig(), objective=args.objective)
    # A recording of a real robot has no true state, so the denoiser must take the features.
    condition = "features" if args.objective == "actions" else args.condition
    diffusion = replace(
        DiffusionConfig(),
        condition=condition,
        n_layers=args.layers,
        width=args.width,
        actions_per_token=args.actions_per_token,
    )
    if args.observe == "state":
        diffusion = replace(diffusion, **STATE_NOISE)
    diffusion = _with_loop(diffusion, args, "diffusion")
    edm = _with_loop(EdmConfig(denoiser=diffusion), args, "edm")
    recipe = Recipe(
        task=args.task,
        observe=args.observe,
        estimator=args.estimator,
        recordings=args.recordings,
        n_demonstrations=args.demonstrations,
        n_stored=args.stored,
        own_successes=OwnSuccesses(n_episodes=args.own_successes),
        first_seed=args.seed,
        exploration=replace(Exploration(), sigma_rad=args.exploration),
        perception_set=replace(PerceptionSet(), n_scenes=args.scenes),
        perception=_with_loop(perception, args, "perception"),
        contrastive=_with_loop(ContrastiveConfig(), args, "contrastive"),
        diffusion=diffusion,
        drafter=_with_loop(DrafterConfig(denoiser=diffusion), args, "drafter"),
        edm=edm,
        consistency=_with_loop(ConsistencyConfig(teacher=edm), args, "consistency"),
    )
    return Workshop(args.runs or Path("runs") / args.task, recipe)


def walk(stage: Stage) -> None:
    """Run one stage behind a progress bar, unless it is complete."""
    if stage.complete():
        print(f"{stage.name}: complete")
        return
    bar = tqdm(stage.steps(), desc=stage.name, total=stage.n_steps, mininterval=1.0)
    for result in bar:
        if isinstance(result, float):
            bar.set_postfix(loss=f"{result:.4f}", refresh=False)


def _with_loop(config: Any, args: argparse.Namespace, stage: str) -> Any:
    steps, batch = getattr(args, f"{stage}_steps"), getattr(args, f"{stage}_batch")
    loop = replace(
        config.loop,
        steps=config.loop.steps if steps is None else steps,
        batch_size=config.loop.batch_size if batch is None else batch,
    )
    return replace(config, loop=loop)
