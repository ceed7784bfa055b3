# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""`dp-accel knowledge-base`: trajectories of the solver into a bundle, for ReDi."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table

from dp_accel_ros.bundle import Bundle, StoreArrays, load_bundle
from dp_accel_ros.bundle.parts import replace_parts
from dp_accel_ros.cli.backend_options import add_backend_options, backend_from
from dp_accel_ros.cli.bundle_options import default_bundle
from dp_accel_ros.errors import ConfigError
from dp_accel_ros.evaluate.method_settings import method_config
from dp_accel_ros.predict.assemble import load_policy, make_method
from dp_accel_ros.predict.methods import Diffusion
from dp_accel_ros.predict.policy import Policy
from dp_accel_ros.predict.redi.building import (
    BuiltKnowledge,
    KnowledgeRecipe,
    build_knowledge,
)
from dp_accel_ros.predict.redi.partial_states import PartialStates
from dp_accel_ros.predict.retrieval import INDEXES

PARTIAL = "knowledge.partial"
"""Folder in the bundle with the trajectories of a build that is under way or was cut off."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    recipe = KnowledgeRecipe()
    parser.add_argument("bundle", type=Path, nargs="?", default=default_bundle())
    parser.add_argument("--solver", default="ddim", choices=("ddim", "dpmpp_2m"))
    parser.add_argument("--num-inference-steps", type=int, default=100, help="of the solver (N)")
    parser.add_argument(
        "--key-step",
        type=int,
        nargs="+",
        default=recipe.key_steps,
        help="steps before a look-up (k); the first is the default of `redi`",
    )
    parser.add_argument(
        "--value-step",
        type=int,
        nargs="+",
        default=recipe.value_steps,
        help="steps that are done after a look-up (v); the first is the default of `redi`",
    )
    parser.add_argument("--seeds", type=int, default=recipe.n_noises, help="noises (M)")
    parser.add_argument("--size", type=int, default=recipe.n_conditions, help="conditions (S)")
    parser.add_argument(
        "--held-out", type=int, default=recipe.n_held_out, help="conditions to measure with"
    )
    parser.add_argument(
        "--see",
        nargs="+",
        default=(),
        metavar="GROUP",
        help="groups of features that the key comes from, as `joints`; all others are hidden "
        "until the value step. Default: all",
    )
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn")
    must = "the one that queries will have, or their keys are a little off"
    add_backend_options(parser, precision=f"of the denoiser; {must}")


def run(args: argparse.Namespace) -> int:
    """Build, measure, and write into the bundle."""
    recipe = KnowledgeRecipe(
        key_steps=tuple(args.key_step),
        value_steps=tuple(args.value_step),
        n_noises=args.seeds,
        n_conditions=args.size,
        n_held_out=args.held_out,
        seen=tuple(args.see),
        seed=args.seed,
    )
    bundle, console = load_bundle(args.bundle), Console()
    store = _store(bundle)
    backend = backend_from(args)
    policy = load_policy(bundle, backend)
    config = method_config(args.solver, [f"num_inference_steps={args.num_inference_steps}"])
    base = make_method(args.solver, policy, config)
    if not isinstance(base, Diffusion):
        raise ConfigError(f"expected a solver from noise, got {args.solver!r}")
    partial = PartialStates(bundle.path / PARTIAL, _facts(bundle, policy, base, recipe))
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("trajectories", total=None)
        built = build_knowledge(
            base,
            store.keys.reshape(len(store.keys), bundle.manifest.n_obs_steps, -1),
            store.episode_ends,
            recipe,
            np.random.default_rng(recipe.seed),
            groups=bundle.manifest.feature_groups,
            index=INDEXES["numpy"],
            on_progress=lambda done, total: progress.update(bar, completed=done, total=total),
            partial=partial,
        )
    parts = _parts(policy, built, recipe)
    done = replace_parts(bundle.path, *parts, _provenance(args, policy, built))
    partial.remove()
    facts = done.manifest.knowledge
    size = sum(done.file(name).stat().st_size for name in facts.files) / 1e6 if facts else 0.0
    console.print(_table(built))
    console.print(f"{size:.1f} MB in {done.path}")
    return 0


def _store(bundle: Bundle) -> StoreArrays:
    if bundle.store is None:
        rule = "conditions come from its retrieval store; `dp-accel self-index` makes one"
        raise ConfigError(f"{bundle.path}: {rule}")
    return bundle.store


def _facts(
    bundle: Bundle, policy: Policy, base: Diffusion, recipe: KnowledgeRecipe
) -> dict[str, Any]:
    """Return what trajectories depend on."""
    retrieval, files = bundle.manifest.retrieval, bundle.manifest.files
    keys = "" if retrieval is None else files[retrieval.keys]
    solver = f"{base.name}-{base.sampler.n_steps}"
    return {**asdict(recipe), "solver": solver, "network": _network(policy), "keys": keys}


def _network(policy: Policy) -> str:
    """Return the sha256 of the network that the policy runs."""
    facts, files = policy.manifest.denoiser, policy.manifest.files
    in_int8 = policy.precision == "int8" and facts.int8_file
    return files[in_int8 or facts.file]


def _parts(
    policy: Policy, built: BuiltKnowledge, recipe: KnowledgeRecipe
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the section of the manifest and its arrays."""
    made = built.knowledge
    section = {
        "solver": made.solver,
        "num_inference_steps": made.num_inference_steps,
        "steps": list(made.steps),
        "key_step": made.key_step,
        "value_step": made.value_step,
        "residuals": [round(residual, 5) for residual in made.residuals],
        "seen": list(recipe.seen or policy.manifest.feature_groups),
        "network": _network(policy),
    }
    arrays = {
        "noise": made.noise,
        "conditions": made.conditions.reshape(len(made.conditions), -1),
        "states": made.states,
    }
    return {"knowledge": section}, {"knowledge": arrays}


def _provenance(args: argparse.Namespace, policy: Policy, built: BuiltKnowledge) -> dict[str, Any]:
    made = built.knowledge
    settings = (
        f"--solver {made.solver} --num-inference-steps {made.num_inference_steps}"
        f" --seeds {len(made.noise)} --size {len(made.conditions)} --seed {args.seed}"
        f" --key-step {_words(args.key_step)} --value-step {_words(args.value_step)}"
    )
    see = f" --see {_words(args.see)}" if args.see else ""
    rounded = [
        {name: round(value, 5) for name, value in asdict(quality).items()}
        for quality in built.qualities
    ]
    return {
        "knowledge": {
            "command": f"dp-accel knowledge-base {settings}{see}",
            "precision": policy.precision,
            "held_out": rounded,
        }
    }


def _words(values: tuple[Any, ...]) -> str:
    return " ".join(map(str, values))


def _table(built: BuiltKnowledge) -> Table:
    made = built.knowledge
    table = Table(title=f"held-out conditions, {made.solver}-{made.num_inference_steps}")
    table.caption = "chunk error: root mean square to the whole run, in joints' ranges of -1 to 1"
    names = ("k", "v", "nfe", "residual max", "value error", "chunk error", "p95", "expansion")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for quality in built.qualities:
        numbers = list(asdict(quality).values())
        table.add_row(*map(str, numbers[:3]), *(f"{number:.3g}" for number in numbers[3:]))
    return table
