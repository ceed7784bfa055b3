# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""`dp-accel`: one command for everything that is not a ROS node."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from dp_accel_ros.errors import DpAccelError

VERBS: dict[str, tuple[str, str]] = {
    "record": ("dp_accel_ros.cli.record", "record demonstrations of a scripted expert"),
    "train": ("dp_accel_ros.cli.train", "train one network of those that a bundle is made of"),
    "export": ("dp_accel_ros.cli.export", "export trained networks to ONNX and write a bundle"),
    "build": ("dp_accel_ros.cli.build", "go from nothing to a bundle: record, train, export"),
    "check-bundle": ("dp_accel_ros.cli.check_bundle", "verify a bundle and say what is in it"),
    "calibrate": ("dp_accel_ros.cli.calibrate", "measure how far a store can be trusted"),
    "knowledge-base": ("dp_accel_ros.cli.knowledge_base", "put ReDi's trajectories into a bundle"),
    "self-index": ("dp_accel_ros.cli.self_index", "retrieve from the policy's own successes"),
    "train-scheduler": (
        "dp_accel_ros.cli.train_scheduler",
        "learn how boldly TS-DP drafts, and put that into a bundle",
    ),
    "rollout": ("dp_accel_ros.cli.rollout", "measure a method's success in lockstep simulation"),
    "latency": ("dp_accel_ros.cli.latency", "time every method side by side in one run"),
    "bench": ("dp_accel_ros.cli.bench", "measure every method and its sweep under one protocol"),
    "demo": ("dp_accel_ros.cli.demo", "run the simulated arm under the two ROS 2 nodes"),
}
"""Verb to its module and help line; a module is imported only when its verb is used."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status: 0 done, 1 not good enough, 2 wrong input."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="dp-accel", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, (module, help_line) in VERBS.items():
        verb_parser = verbs.add_parser(verb, help=help_line, description=help_line.capitalize())
        if arguments[:1] == [verb]:
            importlib.import_module(module).configure(verb_parser)
    args = parser.parse_args(arguments)
    try:
        return importlib.import_module(VERBS[args.verb][0]).run(args)
    except DpAccelError as error:
        print(f"dp-accel {args.verb}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
