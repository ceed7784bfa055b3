# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The bundle that a command works on, and what its policy observes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dp_accel_ros.bundle import Bundle, load_bundle
from dp_accel_ros.manifest.encoders import AUTO, OBSERVE

PLACES = (Path("models/lift"), Path(sys.prefix) / "share/dp_accel_ros/models/lift")
"""A checkout of the repository, and what `pip install` has put beside the executables."""


def default_bundle() -> Path:
    """Return the first of `PLACES` that is there, or the first, for the error to name."""
    return next((place for place in PLACES if place.is_dir()), PLACES[0])


def add_bundle_options(parser: argparse.ArgumentParser) -> None:
    """Add the options from which `bundle_from` loads a bundle."""
    parser.add_argument("--bundle", type=Path, default=default_bundle())
    parser.add_argument(
        "--observe",
        default=AUTO,
        choices=OBSERVE,
        help="what the policy takes beside the joints (what the bundle was made for)",
    )


def bundle_from(args: argparse.Namespace) -> Bundle:
    """Return the bundle that the options name, with the senses that they ask for."""
    return load_bundle(args.bundle).observed_by(args.observe)
