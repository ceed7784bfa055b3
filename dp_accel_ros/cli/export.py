# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""`dp-accel export`: trained networks to ONNX files and a bundle, compared with torch."""

from __future__ import annotations

import argparse
from pathlib import Path

from dp_accel_ros.bundle import load_bundle
from dp_accel_ros.cli.recipe_options import add_recipe_options, workshop_from
from dp_accel_ros.train.assembly import assemble
from dp_accel_ros.train.export_parts import PARTS, put_part


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    add_recipe_options(parser)
    parser.add_argument("--out", type=Path, help="the bundle (default: models/TASK)")
    parser.add_argument(
        "--only", choices=PARTS, help="put this one into the bundle that is there already"
    )


def run(args: argparse.Namespace) -> int:
    """Export, and print how far ONNX and torch are apart."""
    shop, out = workshop_from(args), args.out or Path("models") / args.task
    if args.only is not None:
        print(f"put {args.only} into {put_part(shop, load_bundle(out), args.only).path}")
        return 0
    bundle = assemble(shop, out)
    for name, error in bundle.manifest.provenance["onnx_max_abs_error"].items():
        print(f"{name}: max abs error {error:.2e}")
    print(f"wrote {bundle.path}")
    return 0
