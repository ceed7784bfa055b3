# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The scripted expert of `lift`."""

from __future__ import annotations

import numpy as np

from dp_accel_ros.sim.arm_task import ArmTask
from dp_accel_ros.sim.base import Array
from dp_accel_ros.sim.experts.grasp import GraspStyle, plan_grasp
from dp_accel_ros.sim.experts.playback import Playback
from dp_accel_ros.sim.lift import CUBE, CUBE_HALF_M


class LiftExpert:
    """Goes above the cube, down, closes the fingers and lifts; can start from any state."""

    def __init__(self) -> None:
        self._playback = Playback()

    def reset(self, task: ArmTask, rng: np.random.Generator) -> None:
        """Plan from where the task is now; `rng` draws speeds, heights and curves."""
        plan = plan_grasp(task, CUBE, GraspStyle.drawn(rng))
        height = CUBE_HALF_M + rng.uniform(0.125, 0.145)
        plan.to(rng.uniform(20.0, 26.0), z=height)
        self._playback.load(plan, task)

    def act(self, task: ArmTask) -> Array:
        """Return the joint targets, (Da,), of the coming tick; call once a tick."""
        return self._playback.next()

    def done(self, task: ArmTask) -> bool:
        """Say whether the plan is over and the expert only holds still."""
        return self._playback.finished
