# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Joint angles that put the fingertips where they should be."""

from __future__ import annotations

import mujoco
import numpy as np

from dp_accel_ros.errors import SimulationError
from dp_accel_ros.sim.arm import HOME, JOINTS, TIP_SITE
from dp_accel_ros.sim.base import Array

N_ARM = 7
_MARGIN_RAD = 0.02
_LOWEST = np.array([joint.lower for joint in JOINTS[:N_ARM]]) + _MARGIN_RAD
_HIGHEST = np.array([joint.upper for joint in JOINTS[:N_ARM]]) - _MARGIN_RAD
_REST = np.array(HOME[:N_ARM])
_REST_PULL = 0.04
_DAMPING = 1e-4


class InverseKinematics:
    """Damped least squares on a copy of the model's state, the physics is never touched."""

    def __init__(self, model: mujoco.MjModel) -> None:
        self._model = model
        self._data = mujoco.MjData(model)
        self._site = int(model.site(TIP_SITE).id)
        self._qpos = np.array([model.joint(joint.name).qposadr[0] for joint in JOINTS[:N_ARM]])
        self._dofs = np.array([model.joint(joint.name).dofadr[0] for joint in JOINTS[:N_ARM]])

    def pose(self, arm: Array) -> tuple[Array, Array]:
        """Return position, (3,), and axes, (3, 3), of the fingertips at `arm`, (7,)."""
        self._data.qpos[self._qpos] = arm
        mujoco.mj_kinematics(self._model, self._data)
        site = self._data.site(self._site)
        return site.xpos.copy(), site.xmat.reshape(3, 3).copy()

    def solve(
        self, position: Array, axes: Array, start: Array, *, tolerance_m: float = 1e-4
    ) -> Array:
        """Return arm joints, (7,), near `start` that put the fingertips at a pose.

        The redundant joint leans a little towards the rest pose with every call, so a path that
        is solved point after point from its neighbour stays smooth.

        Args:
            position: Where the point between the fingertips should be, (3,), m.
            axes: How the hand should be turned, (3, 3); see `downward_axes`.
            start: Arm joints to start from, (7,), rad.
            tolerance_m: Largest position error that is accepted, m.

        Raises:
            SimulationError: The arm cannot reach that pose.
        """
        arm, leaning = start.copy(), _REST_PULL * (_REST - start)
        for _ in range(40):
            error = self._error(arm, position, axes)
            arm = np.clip(arm + self._update(error, leaning), _LOWEST, _HIGHEST)
            # Once a call: with every round it would never settle.
            leaning = np.zeros(N_ARM)
            if np.linalg.norm(error[:3]) < 0.1 * tolerance_m and np.linalg.norm(error[3:]) < 1e-4:
                break
        distance = float(np.linalg.norm(self._error(arm, position, axes)[:3]))
        if distance > tolerance_m:
            raise SimulationError(
                f"the arm cannot reach {np.round(position, 4).tolist()}:"
                f" expected an error under {tolerance_m} m, got {distance:.5f} m"
            )
        return arm

    def _error(self, arm: Array, position: Array, axes: Array) -> Array:
        """Return what is missing, (6,): metres, then a rotation vector in the base frame."""
        at, now = self.pose(arm)
        # Its length is the sine of the angle, its direction the axis (Luh, Walker & Paul 1980).
        turn = sum((np.cross(now[:, i], axes[:, i]) for i in range(3)), np.zeros(3)) / 2
        return np.concatenate([position - at, turn])

    def _update(self, error: Array, leaning: Array) -> Array:
        """Return the joint step, (7,), that reduces `error` and leans where that costs nothing."""
        mujoco.mj_comPos(self._model, self._data)
        jacobian = np.zeros((6, self._model.nv))
        mujoco.mj_jacSite(self._model, self._data, jacobian[:3], jacobian[3:], self._site)
        jacobian = jacobian[:, self._dofs]
        # Damped, so that steps stay finite where the arm is stretched out.
        inverse = jacobian.T @ np.linalg.inv(jacobian @ jacobian.T + _DAMPING * np.eye(6))
        # The leaning less its part that would move the hand.
        return inverse @ error + leaning - inverse @ (jacobian @ leaning)


def downward_axes(yaw: float) -> Array:
    """Return the hand's axes, (3, 3), when it points down, turned by `yaw` (rad)."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    return np.array([[cos, sin, 0.0], [sin, -cos, 0.0], [0.0, 0.0, -1.0]])


def rotation(vector: Array) -> Array:
    """Return the rotation matrix, (3, 3), of a small rotation vector, (3,), rad (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    cross = np.cross(np.eye(3), vector)
    if angle < 1e-9:
        return np.eye(3) + cross
    return (
        np.eye(3)
        + np.sin(angle) / angle * cross
        + (1.0 - np.cos(angle)) / angle**2 * cross @ cross
    )


def rotation_vector(axes: Array, reference: Array) -> Array:
    """Return the rotation vector, (3,), rad, that turns `reference`, (3, 3), into `axes`."""
    turn = axes @ reference.T
    skew = (
        np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]]) / 2
    )
    sine = float(np.linalg.norm(skew))
    return skew * (1.0 if sine < 1e-9 else np.arctan2(sine, (np.trace(turn) - 1) / 2) / sine)
