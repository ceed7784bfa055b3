# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Simulated tasks: an arm in a scene, behind one interface that other simulators can offer too."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from dp_accel_ros.sim.gl_backend import choose_gl_backend

choose_gl_backend()  # before anything below imports mujoco, which reads the choice once

from dp_accel_ros.sim.arm_task import ArmTask  # noqa: E402
from dp_accel_ros.sim.base import Array, JointSpec, Task  # noqa: E402
from dp_accel_ros.sim.block_push import BlockPush  # noqa: E402
from dp_accel_ros.sim.lift import Lift  # noqa: E402
from dp_accel_ros.sim.pick_place import PickPlace  # noqa: E402
from dp_accel_ros.sim.pusht import PushT, scattered_scene  # noqa: E402

ARM_TASKS: dict[str, Callable[[], ArmTask]] = {
    rules.name: partial(ArmTask, rules) for rules in (Lift(), PickPlace(), BlockPush())
}
"""Makes a task of our own arm, by its name."""

TASKS: dict[str, Callable[[], Task]] = {**ARM_TASKS, PushT.name: PushT}
"""Makes a task, by its name."""

SCATTERED: dict[str, Callable[[np.random.Generator], Array]] = {PushT.name: scattered_scene}
"""Draws scenes that `Task.show` takes, for tasks that nobody here can play, by their name."""

__all__ = ["ARM_TASKS", "SCATTERED", "TASKS", "ArmTask", "JointSpec", "PushT", "Task"]
