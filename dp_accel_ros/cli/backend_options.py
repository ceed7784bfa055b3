# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Where and how a command runs the networks of a bundle."""

from __future__ import annotations

import argparse

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.config import params_of

HELP = {
    "provider": "of the networks",
    "runtime": "of the denoiser; torch on cuda records CUDA graphs",
    "precision": "of the denoiser",
}


def add_backend_options(parser: argparse.ArgumentParser, **told: str) -> None:
    """Add the options from which `backend_from` makes a backend; `told` replaces texts of `HELP`."""
    usual = BackendConfig()
    parser.add_argument("--threads", type=int, default=usual.threads, help="of the networks")
    choices = {item.name: facts.one_of for item, facts in params_of(usual)}
    for name, text in (HELP | told).items():
        default = getattr(usual, name)
        parser.add_argument(f"--{name}", default=default, choices=choices[name], help=text)


def backend_from(args: argparse.Namespace) -> BackendConfig:
    """Return the backend that the options ask for."""
    return BackendConfig(threads=args.threads, **{name: getattr(args, name) for name in HELP})
