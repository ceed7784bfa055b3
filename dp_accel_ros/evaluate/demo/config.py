# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What a demo is asked to show, and the processes that this takes."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.manifest.encoders import AUTO
from dp_accel_ros.predict.methods import MethodConfig
from dp_accel_ros.predict.speculation.scheduling import FIXED

RECORDING = "recording.npz"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoConfig:
    """What to run."""

    bundle: Path
    task: str
    method: str
    settings: MethodConfig
    out: Path
    seed: int
    """Of the first episode; every further one adds 1."""

    episodes: int | None
    """How many to run, or None to run until `minutes` are over."""

    minutes: float | None
    domain: int
    """ROS_DOMAIN_ID of everything in the demo."""

    threads: int | None = None
    """Threads of the networks, or None for the node's default."""

    with_images: bool = True
    """False for policies without cameras: the simulation then draws nothing while it runs."""

    observe: str = AUTO
    """What the policy takes beside the joints."""

    scheduler: str = FIXED
    """Who plans the drafts of TS-DP."""

    def __post_init__(self) -> None:
        if (self.episodes is None) == (self.minutes is None):
            raise ConfigError("give either `episodes` or `minutes`")
        if (self.episodes is not None and self.episodes < 1) or (self.minutes or 1.0) <= 0:
            raise ConfigError(
                f"`episodes` must be at least 1 and `minutes` above 0, got {self.episodes} and"
                f" {self.minutes}"
            )

    def commands(self) -> dict[str, list[str]]:
        """Return the command line of every process, by its name."""
        bundle = str(self.bundle.resolve())
        policy: dict[str, object] = {
            "bundle": bundle,
            "observe": self.observe,
            "method": self.method,
        }
        for name, value in asdict(self.settings).items():
            policy[f"{self.method}.{name}"] = value
        if self.threads is not None:
            policy["backend.threads"] = self.threads
        recording = str((self.out / RECORDING).resolve())
        world = {"task": self.task, "seed": self.seed, "record": recording}
        if not self.with_images:
            world["publish_images"] = False
        control = {"bundle": bundle, "scheduler": self.scheduler}
        return {
            "sim_node": _command("sim_node", world),
            "policy_node": _command("policy_node", policy),
            "scheduler_node": _command("scheduler_node", control),
        }

    def environ(self, base: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Return the environment of every process: a ROS of its own on this machine alone."""
        own = {
            "ROS_DOMAIN_ID": str(self.domain),
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
            "PYTHONUNBUFFERED": "1",
        }
        # idle threads of numpy's BLAS would fight the networks for the cores
        return {"OMP_NUM_THREADS": "1", **base, **own}


def _command(module: str, parameters: Mapping[str, object]) -> list[str]:
    words = [
        word for name, value in parameters.items() for word in ("-p", f"{name}:={_yaml(value)}")
    ]
    return [sys.executable, "-m", f"dp_accel_ros.nodes.{module}", "--ros-args", *words]


def _yaml(value: object) -> str:
    # a bare word such as `no` or 12 would not stay a string
    return f"'{value}'" if isinstance(value, str) else str(value)
