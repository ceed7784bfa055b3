# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of an instant that is over: where everything stood, put back and drawn again."""

from __future__ import annotations

import mujoco
import numpy as np

from dp_accel_ros.errors import ShapeError
from dp_accel_ros.sim.base import Array
from dp_accel_ros.sim.world import ArmWorld


def scene_of(world: ArmWorld) -> Array:
    """Return the positions of everything that can move, (nq + 3 * marks,)."""
    return np.concatenate([world.data.qpos, world.data.mocap_pos.ravel()])


def show(world: ArmWorld, scene: Array) -> None:
    """Put everything where `scene`, from `scene_of` of an equal world, says; nothing moves on."""
    n_positions = world.model.nq
    expected = n_positions + world.data.mocap_pos.size
    if scene.shape != (expected,):
        raise ShapeError("`scene`", (expected,), scene.shape)
    world.data.qpos[:] = scene[:n_positions]
    world.data.mocap_pos[:] = scene[n_positions:].reshape(-1, 3)
    mujoco.mj_forward(world.model, world.data)
