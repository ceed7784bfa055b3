# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The arm in a scene, in physics: what every task of our own is made of."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np

from dp_accel_ros.errors import ConfigError, ShapeError
from dp_accel_ros.sim.arm import HOME, JOINTS, TIP_SITE
from dp_accel_ros.sim.base import Array, Image
from dp_accel_ros.sim.renderer import CameraRenderer
from dp_accel_ros.sim.scene import FILM_CAMERA, Scene

CONTROL_DT = 0.04
"""One control tick, s (25 Hz)."""
PHYSICS_DT = 0.002
"""One physics step, s."""
CAMERAS = ("front", "wrist")
IMAGE_SIZE = (96, 96)


class ArmWorld:
    """The arm, the blocks of a scene, and the cameras that see them.

    The first image makes the graphics context, in the thread that asks for it.
    """

    def __init__(self, scene: Scene) -> None:
        self.model = mujoco.MjModel.from_xml_string(scene.mjcf(PHYSICS_DT))
        self.data = mujoco.MjData(self.model)
        self._qpos = np.array([self.model.joint(joint.name).qposadr[0] for joint in JOINTS])
        self._qvel = np.array([self.model.joint(joint.name).dofadr[0] for joint in JOINTS])
        self._mirror = int(self.model.joint("finger_mirror").qposadr[0])
        self._renderer: CameraRenderer | None = None
        self._film: tuple[tuple[int, int], CameraRenderer] | None = None

    def reset(self, joints: Array) -> None:
        """Put the arm at rest at `joints`, (Dj,), with its servos holding it there."""
        mujoco.mj_resetData(self.model, self.data)
        self.data.qpos[self._qpos] = joints
        self.data.qpos[self._mirror] = joints[-1]
        self.data.ctrl[:] = joints
        mujoco.mj_forward(self.model, self.data)

    def place_block(self, name: str, xyz: Sequence[float] | Array, yaw: float) -> None:
        """Put a block at rest at `xyz` (m) in the base frame, turned by `yaw` (rad)."""
        joint = self.data.joint(name)
        joint.qpos[:] = (*xyz, np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2))
        joint.qvel[:] = 0.0
        mujoco.mj_forward(self.model, self.data)

    def place_mark(self, name: str, xy: Sequence[float] | Array) -> None:
        """Put a mark on the table at `xy` (m)."""
        mocap = int(self.model.body(name).mocapid[0])
        self.data.mocap_pos[mocap, :2] = xy
        mujoco.mj_forward(self.model, self.data)

    def command(self, target: Array) -> None:
        """Set the servo targets, (Da,); the servos keep them within the joint limits."""
        target = np.asarray(target, dtype=np.float64)
        if target.shape != (len(JOINTS),):
            raise ShapeError("`target`", (len(JOINTS),), target.shape)
        self.data.ctrl[:] = target

    def advance(self, duration_s: float) -> None:
        """Let `duration_s` pass, a whole multiple of the physics step."""
        steps = round(duration_s / PHYSICS_DT)
        if steps < 1 or abs(steps * PHYSICS_DT - duration_s) > 1e-9:
            raise ConfigError(
                f"`duration_s` must be a positive multiple of {PHYSICS_DT} s, got {duration_s}"
            )
        mujoco.mj_step(self.model, self.data, steps)
        # positions of bodies and sites otherwise belong to the step before
        mujoco.mj_kinematics(self.model, self.data)

    @property
    def time_s(self) -> float:
        """Simulated time since the last reset, s."""
        return float(self.data.time)

    def joint_positions(self) -> Array:
        """Return the measured joint positions, (Dj,)."""
        return self.data.qpos[self._qpos].copy()

    def joint_velocities(self) -> Array:
        """Return the measured joint velocities, (Dj,)."""
        return self.data.qvel[self._qvel].copy()

    def joint_targets(self) -> Array:
        """Return the servo targets that hold now, (Da,)."""
        return self.data.ctrl.copy()

    def tip_position(self) -> Array:
        """Return the point between the fingertips in the base frame, (3,), m."""
        return self.data.site(TIP_SITE).xpos.copy()

    def tip_axes(self) -> Array:
        """Return the hand's axes as the columns of a rotation matrix, (3, 3)."""
        return self.data.site(TIP_SITE).xmat.reshape(3, 3).copy()

    def seen_from_tip(self, point: Array) -> Array:
        """Return the offset from the point between the fingertips, (3,), in the hand's frame."""
        return self.tip_axes().T @ (point - self.tip_position())

    def mark_position(self, name: str) -> Array:
        """Return the middle of a mark on the table, (2,), m."""
        return self.data.body(name).xpos[:2].copy()

    def block_position(self, name: str) -> Array:
        """Return the centre of a block in the base frame, (3,), m."""
        return self.data.body(name).xpos.copy()

    def block_yaw(self, name: str) -> float:
        """Return how far a block is turned about the vertical, rad."""
        axes = self.data.body(name).xmat.reshape(3, 3)
        return float(np.arctan2(axes[1, 0], axes[0, 0]))

    def block_speed(self, name: str) -> float:
        """Return how fast a block's centre moves, m/s."""
        return float(np.linalg.norm(self.data.joint(name).qvel[:3]))

    def images(self) -> dict[str, Image]:
        """Return what the policy's cameras see now, (H, W, 3) each, by camera name."""
        if self._renderer is None:
            self._renderer = CameraRenderer(self.model, IMAGE_SIZE)
        return {camera: self._renderer.frame(self.data, camera) for camera in CAMERAS}

    def film(self, size: tuple[int, int], camera: str = FILM_CAMERA) -> Image:
        """Return a pretty picture, (H, W, 3), for people; costs many times `images`."""
        if self._film is None or self._film[0] != size:
            if self._film is not None:
                self._film[1].close()
            self._film = (size, CameraRenderer(self.model, size, pretty=True))
        return self._film[1].frame(self.data, camera)

    def close(self) -> None:
        """Free the graphics contexts; closing twice is harmless."""
        if self._renderer is not None:
            self._renderer.close()
        if self._film is not None:
            self._film[1].close()
        self._renderer = self._film = None


def home_with_noise(rng: np.random.Generator, *, noise_rad: float = 0.02) -> Array:
    """Return the joints, (Dj,), of the home pose, each arm joint off by up to `noise_rad`."""
    joints = np.array(HOME)
    joints[:7] += rng.uniform(-noise_rad, noise_rad, 7)
    return joints
