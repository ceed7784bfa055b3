# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""`dp-accel build`: from nothing to a bundle, in one command that can be stopped and repeated."""

from __future__ import annotations

import argparse
from pathlib import Path

from dp_accel_ros.cli.recipe_options import add_recipe_options, walk, workshop_from
from dp_accel_ros.train.stages import stages
from dp_accel_ros.train.workshop import OPTIONAL


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    add_recipe_options(parser)
    parser.add_argument("--out", type=Path, help="the bundle (default: models/TASK)")
    parser.add_argument(
        "--skip", nargs="+", default=[], choices=OPTIONAL, help="networks to leave out"
    )


def run(args: argparse.Namespace) -> int:
    """Walk through every stage."""
    out = args.out or Path("models") / args.task
    for name, stage in stages(workshop_from(args), out).items():
        if name not in args.skip:
            walk(stage)
    print(f"wrote {out}")
    return 0
