# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""`dp-accel record`: demonstrations of a scripted expert, successes only."""

from __future__ import annotations

import argparse
from pathlib import Path

from dp_accel_ros.cli.recipe_options import add_recipe_options, walk, workshop_from
from dp_accel_ros.train.stages import stages


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    add_recipe_options(parser)


def run(args: argparse.Namespace) -> int:
    """Record until there are enough, continuing a file that exists."""
    shop = workshop_from(args)
    found = stages(shop, Path("models") / args.task)
    if "demonstrations" in found:
        walk(found["demonstrations"])
    episodes = shop.demonstrations()
    print(f"{episodes.n_episodes} episodes, {episodes.n_frames} frames in {episodes.path}")
    return 0
