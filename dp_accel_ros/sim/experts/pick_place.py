# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The scripted expert of `pick_place`."""

from __future__ import annotations

import numpy as np

from dp_accel_ros.sim.arm_task import ArmTask
from dp_accel_ros.sim.base import Array
from dp_accel_ros.sim.experts.grasp import OPEN_M, GraspStyle, plan_grasp
from dp_accel_ros.sim.experts.motion import MotionPlan
from dp_accel_ros.sim.experts.playback import Playback
from dp_accel_ros.sim.pick_place import CUBE, CUBE_HALF_M, TARGET


class PickPlaceExpert:
    """Grasps the cube, carries it over in one bow, sets it down and lets go."""

    def __init__(self) -> None:
        self._playback = Playback()

    def reset(self, task: ArmTask, rng: np.random.Generator) -> None:
        """Plan from where the task is now; `rng` draws speeds, heights and curves."""
        plan = plan_grasp(task, CUBE, GraspStyle.drawn(rng))
        _carry(plan, task.world.mark_position(TARGET), rng)
        plan.pause(1.0).to(rng.uniform(5.0, 6.5), finger=OPEN_M)
        plan.pause(1.0).to(rng.uniform(14.0, 18.0), z=rng.uniform(0.10, 0.13))
        self._playback.load(plan, task)

    def act(self, task: ArmTask) -> Array:
        """Return the joint targets, (Da,), of the coming tick; call once a tick."""
        return self._playback.next()

    def done(self, task: ArmTask) -> bool:
        """Say whether the plan is over and the expert only holds still."""
        return self._playback.finished


def _carry(plan: MotionPlan, target: Array, rng: np.random.Generator) -> None:
    """Add the way up, across and down onto `target`, (2,), as one flowing motion."""
    rise, across, fall = rng.uniform(15.0, 19.0), rng.uniform(28.0, 36.0), rng.uniform(16.0, 20.0)
    plan.to(rise, z=rng.uniform(0.095, 0.125))
    plan.to(across, overlap=0.5 * rise, x=target[0], y=target[1])
    plan.around(across, overlap=across, x=rng.uniform(-0.02, 0.02))
    plan.to(fall, overlap=0.35 * fall, z=CUBE_HALF_M + 0.001)
