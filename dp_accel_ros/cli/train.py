# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""`dp-accel train`: one network, from data that earlier stages left in the runs folder."""

from __future__ import annotations

import argparse
from pathlib import Path

import yaml

from dp_accel_ros.cli.recipe_options import NETWORKS, add_recipe_options, walk, workshop_from
from dp_accel_ros.train.stages import stage_of


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument("network", choices=NETWORKS)
    add_recipe_options(parser)


def run(args: argparse.Namespace) -> int:
    """Train and print what was measured."""
    shop = workshop_from(args)
    walk(stage_of(shop, Path("models") / args.task, args.network))
    folder = shop.run(args.network)
    print(yaml.safe_dump(folder.metrics, sort_keys=False) + f"in {folder.path}")
    return 0
