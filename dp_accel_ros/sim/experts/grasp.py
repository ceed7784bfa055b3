# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Approach, descent and closing: the part that grasping experts share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dp_accel_ros.sim.arm_task import ArmTask
from dp_accel_ros.sim.base import Array
from dp_accel_ros.sim.experts.motion import MotionPlan, nearest_yaw
from dp_accel_ros.sim.inverse_kinematics import InverseKinematics
from dp_accel_ros.sim.world import ArmWorld

OPEN_M = 0.04
CLOSED_M = 0.010
"""Finger target on a 4 cm cube: one centimetre inside it, so the fingers press."""
_REACH_M = 0.008
_FINGERS_ON_CUBE_M = 0.023


@dataclass(frozen=True, slots=True, kw_only=True)
class GraspStyle:
    """What differs from one demonstration to the next."""

    approach_ticks: float
    descend_ticks: float
    overlap: float
    """Share of the descent that already happens during the approach."""
    clearance_m: float
    """Height above the block at which the approach ends."""
    curve_m: float
    """How far the approach bends to the side."""
    close_ticks: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> GraspStyle:
        """Return a style drawn from `rng`."""
        return cls(
            approach_ticks=rng.uniform(26.0, 34.0),
            descend_ticks=rng.uniform(17.0, 22.0),
            overlap=rng.uniform(0.25, 0.45),
            clearance_m=rng.uniform(0.055, 0.08),
            curve_m=rng.uniform(-0.015, 0.015),
            close_ticks=rng.uniform(6.5, 8.0),
        )


def hand_pose(world: ArmWorld) -> Array:
    """Return where the servo targets put the hand, along the axes of a motion plan, (5,)."""
    targets = world.joint_targets()
    position, axes = InverseKinematics(world.model).pose(targets[:7])
    return np.array([*position, np.arctan2(axes[1, 0], axes[0, 0]), targets[-1]])


def holds(world: ArmWorld, block: str) -> bool:
    """Say whether the fingers are closed around a block."""
    near = np.linalg.norm(world.block_position(block) - world.tip_position()) < 0.012
    return bool(near and world.joint_positions()[-1] < _FINGERS_ON_CUBE_M)


def plan_grasp(task: ArmTask, block: str, style: GraspStyle) -> MotionPlan:
    """Return a plan that ends with the fingers closed on `block`, from wherever the hand is."""
    world = task.world
    pose = hand_pose(world)
    plan = MotionPlan(pose)
    if holds(world, block):
        return plan.to(2.0, finger=CLOSED_M)
    x, y, z = world.block_position(block)
    yaw = nearest_yaw(world.block_yaw(block), float(pose[3]))
    above = np.hypot(pose[0] - x, pose[1] - y) < _REACH_M
    if pose[4] < OPEN_M:
        plan.to(4.0, finger=OPEN_M)
    if not above:
        _approach(plan, pose, np.array([x, y, z, yaw]), style)
    overlap = 0.0 if above else style.overlap * style.descend_ticks
    plan.to(style.descend_ticks, overlap=overlap, x=x, y=y, z=z, yaw=yaw)
    return plan.pause(1.0).to(style.close_ticks, finger=CLOSED_M).pause(1.0)


def _approach(plan: MotionPlan, pose: Array, goal: Array, style: GraspStyle) -> None:
    """Add the way to a point above `goal` (x, y, z, yaw), (4,), up first when the hand is low."""
    x, y, z, yaw = goal
    height = z + style.clearance_m
    if pose[2] < height - 0.01:
        plan.to(12.0, z=height)
    plan.to(style.approach_ticks, x=x, y=y, z=height, yaw=yaw)
    side = np.array([-(y - pose[1]), x - pose[0]])
    side = style.curve_m * side / max(float(np.linalg.norm(side)), 0.02)
    plan.around(style.approach_ticks, overlap=style.approach_ticks, x=side[0], y=side[1])
