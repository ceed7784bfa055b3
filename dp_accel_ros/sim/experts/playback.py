# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A motion plan, played one tick after the other."""

from __future__ import annotations

import numpy as np

from dp_accel_ros.errors import SimulationError
from dp_accel_ros.sim.arm_task import ArmTask
from dp_accel_ros.sim.base import Array
from dp_accel_ros.sim.experts.motion import MotionPlan
from dp_accel_ros.sim.inverse_kinematics import InverseKinematics


class Playback:
    """Hands out the joint targets of a plan and repeats the last one for ever."""

    def __init__(self) -> None:
        self._targets: Array = np.zeros((0, 8))
        self._next = 0

    def load(self, plan: MotionPlan, task: ArmTask) -> None:
        """Turn `plan` into joint targets, from the arm's present ones."""
        solver = InverseKinematics(task.world.model)
        self._targets = plan.joint_targets(solver, task.world.joint_targets()[:7])
        self._next = 0

    @property
    def finished(self) -> bool:
        """Whether every target has been handed out."""
        return self._next >= len(self._targets)

    def next(self) -> Array:
        """Return the targets, (Da,), of the coming tick."""
        if not len(self._targets):
            raise SimulationError("an expert must be reset before it acts")
        target = self._targets[min(self._next, len(self._targets) - 1)]
        self._next += 1
        return target.copy()
