# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Joint limits: where each joint may be and how fast it may go there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.execute.trajectory import Setpoint
from dp_accel_ros.manifest.parts import Joint

Array = NDArray[np.float64]

OVERSHOOT = 4.0 / 27.0
"""Largest excursion of a cubic that starts with velocity v and ends where it began: v * h times this."""


@dataclass(frozen=True, slots=True)
class JointLimits:
    """Limits per joint, (Da,) each, in the joints' units and their units per second."""

    lower: Array
    upper: Array
    max_velocity: Array

    @classmethod
    def of(cls, joints: Sequence[Joint], velocity_scale: float = 1.0) -> JointLimits:
        """Return the limits in a manifest, with velocities scaled down."""
        if not 0.0 < velocity_scale <= 1.0:
            raise ConfigError(
                f"`velocity_scale` must be above 0 and at most 1, got {velocity_scale}"
            )
        return cls(
            lower=np.array([joint.lower for joint in joints]),
            upper=np.array([joint.upper for joint in joints]),
            max_velocity=velocity_scale * np.array([joint.max_velocity for joint in joints]),
        )

    def waypoints(self, start: Array, times_s: Array, wanted: Array) -> Array:
        """Return waypoints, (N, Da), inside the limits and reachable one from another.

        Args:
            start: Positions at time 0, (Da,).
            times_s: When the waypoints are due, (N,), rising from above 0.
            wanted: Where the joints should be then, (N, Da).
        """
        inside = np.clip(wanted, self.lower, self.upper)
        reach = np.diff(times_s, prepend=0.0)[:, None] * self.max_velocity  # (N, Da)
        steps = inside - np.concatenate([start[None], inside[:-1]])
        # Mostly nothing is out of reach, and one comparison saves the loop.
        if (np.abs(steps) <= reach).all():
            return inside
        here = start
        for k in range(len(inside)):
            # From where the joint gets to, not from where it was wanted: delays add up.
            here = here + np.maximum(np.minimum(inside[k] - here, reach[k]), -reach[k])
            inside[k] = here
        return inside

    def start(self, start: Setpoint, first_s: float) -> Setpoint:
        """Return a setpoint whose velocity cannot carry a joint past a limit before `first_s`."""
        room_up = np.maximum(self.upper - start.positions, 0.0) / (OVERSHOOT * first_s)
        room_down = np.maximum(start.positions - self.lower, 0.0) / (OVERSHOOT * first_s)
        return Setpoint(start.positions, np.clip(start.velocities, -room_down, room_up))
