# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What only the simulated robot and those who watch it say and hear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from rclpy.qos import DurabilityPolicy, QoSProfile

from dp_accel_ros.chunk import NS_PER_S
from dp_accel_ros.evaluate.demo.telemetry import EpisodeStatus, number
from dp_accel_ros.nodes.diagnostics import OK, WARN, status
from dp_accel_ros.nodes.messages import stamp_to_ns
from dp_accel_ros.sim.pace import Pace
from dp_accel_ros.sim.simulated_robot import Episode
from dp_accel_ros.sim.trajectory_controller import JointPath

EPISODE = "task/episode"
"""The topic, and the name of its one status."""

STATE = "task/state"
"""The topic of what else is measured: named numbers with a stamp."""

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def path_from_msg(msg: Any) -> JointPath:
    """Return what a `JointTrajectory` says; ragged points become what the controller refuses."""
    points = msg.points
    velocities = [point.velocities for point in points]
    return JointPath(
        stamp_ns=stamp_to_ns(msg.header.stamp),
        joint_names=tuple(msg.joint_names),
        positions=_rows([point.positions for point in points]),
        velocities=_rows(velocities) if any(len(row) for row in velocities) else None,
        times_from_start_s=np.array(
            [stamp_to_ns(point.time_from_start) / NS_PER_S for point in points]
        ),
    )


def episode_values(episode: Episode) -> dict[str, object]:
    """Return what `task/episode` says."""
    after_s = episode.success_after_s
    return {
        "number": episode.number,
        "seed": episode.seed,
        "elapsed_s": episode.elapsed_s,
        "limit_s": episode.limit_s,
        "success": episode.success_ns is not None,
        "success_after_s": "" if after_s is None else after_s,
        "time_is_up": episode.time_is_up,
    }


def episode_from_values(values: Mapping[str, str]) -> EpisodeStatus:
    """Return what `task/episode` said."""
    return EpisodeStatus(
        number=int(values["number"]),
        seed=int(values["seed"]),
        elapsed_s=number(values, "elapsed_s"),
        limit_s=number(values, "limit_s"),
        success=values["success"] == "true",
        success_after_s=number(values, "success_after_s"),
        time_is_up=values["time_is_up"] == "true",
    )


def physics_status(node_name: str, task: str, counts: Mapping[str, int], pace: Pace) -> Any:
    """Return the status of physics: what was done, and whether it keeps up with the clock."""
    values = {
        **counts,
        "late slices": pace.overruns,
        "time skipped [s]": pace.skipped_ns / NS_PER_S,
    }
    level, text = (WARN, "fell behind the clock") if pace.skipped_ns else (OK, "keeps up")
    return status(f"{node_name}: physics", level, text, values, hardware_id=task)


def _rows(rows: list[Any]) -> np.ndarray:
    """Return rows as one array, (N, D); of rows of several lengths only their number, (N,)."""
    if len({len(row) for row in rows}) > 1:
        return np.zeros(len(rows))
    return np.array(rows, dtype=np.float64)
