# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""An instant of the arm that is over: where everything stood, put back and drawn again."""

from __future__ import annotations

import cv2
import mujoco
import numpy as np

from dp_accel_ros.errors import ShapeError
from dp_accel_ros.sim.base import Array, Image
from dp_accel_ros.sim.scene import FILM_CAMERA
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


class ArmFilmCamera:
    """Wide pictures of a scene with shadows, for films of many frames.

    Every picture is drawn at twice its size and averaged, which in software costs less than half
    of what multisampling does and looks the same.
    """

    def __init__(self, world: ArmWorld, size: tuple[int, int]) -> None:
        height, width = size
        visual = world.model.vis
        visual.global_.offheight, visual.global_.offwidth = 2 * height, 2 * width
        visual.quality.offsamples, visual.quality.shadowsize = 0, 2048
        self._world, self._size = world, size
        self._renderer = mujoco.Renderer(world.model, 2 * height, 2 * width)

    def picture(self) -> Image:
        """Return what the camera sees now, (H, W, 3)."""
        self._renderer.update_scene(self._world.data, FILM_CAMERA)
        height, width = self._size
        return cv2.resize(self._renderer.render(), (width, height), interpolation=cv2.INTER_AREA)

    def close(self) -> None:
        """Free the graphics context; closing twice is harmless."""
        self._renderer.close()
