# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Pick and place: put a cube onto a disc that lies beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dp_accel_ros.sim.base import Array
from dp_accel_ros.sim.block_state import BLOCK_STATE, block_state
from dp_accel_ros.sim.scene import Block, Mark, Scene, View
from dp_accel_ros.sim.world import ArmWorld

CUBE = "cube"
TARGET = "target"
CUBE_HALF_M = 0.02
_OPEN_M = 0.028
_REST_M = 0.004
_REST_SPEED = 0.02

_SCENE = Scene(
    blocks=(Block(name=CUBE, rgb=(0.16, 0.38, 0.88)),),
    marks=(Mark(name=TARGET, rgb=(0.98, 0.78, 0.16), half_size=0.036),),
    front=View(eye=(1.06, 0.0, 0.56), target=(0.47, 0.005, 0.04), fovy_deg=38.5),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PickPlace:
    """A 4 cm cube over 20 x 20 cm, any yaw; a disc over 16 x 15 cm."""

    name: str = "pick_place"
    max_ticks: int = 240
    hold_ticks: int = 5
    cube_centre_m: tuple[float, float] = (0.48, -0.10)
    cube_half_range_m: tuple[float, float] = (0.10, 0.10)
    target_centre_m: tuple[float, float] = (0.48, 0.155)
    target_half_range_m: tuple[float, float] = (0.08, 0.075)
    tolerance_m: float = 0.02
    """How far the cube's centre may be from the target's, m."""
    scene: Scene = _SCENE
    state_names: tuple[str, ...] = (
        *(f"cube_{part}" for part in BLOCK_STATE),
        "target_x",
        "target_y",
        "target_from_tip_x",
        "target_from_tip_y",
    )

    def place(self, world: ArmWorld, rng: np.random.Generator) -> None:
        """Put the cube and the target somewhere in their rectangles."""
        unit = rng.uniform(-1.0, 1.0, 4)
        xy = self.cube_centre_m + unit[:2] * self.cube_half_range_m
        world.place_block(CUBE, (*xy, CUBE_HALF_M), rng.uniform(-np.pi, np.pi))
        world.place_mark(TARGET, self.target_centre_m + unit[2:] * self.target_half_range_m)

    def state(self, world: ArmWorld) -> Array:
        """Return the cube's numbers and where the target is, (12,), m.

        The target is at its place on the table, and, in the hand's frame, at its offset from the
        point above it at the fingertips' height: what is left to go.
        """
        target, height = world.mark_position(TARGET), world.tip_position()[2]
        offset = world.seen_from_tip(np.append(target, height))
        return np.concatenate([block_state(world, CUBE), target, offset[:2]])

    def reached(self, world: ArmWorld) -> bool:
        """Say whether the cube lies on the target, at rest and let go."""
        cube = world.block_position(CUBE)
        return bool(
            np.linalg.norm(cube[:2] - world.mark_position(TARGET)) <= self.tolerance_m
            and abs(cube[2] - CUBE_HALF_M) <= _REST_M
            and world.block_speed(CUBE) <= _REST_SPEED
            and world.joint_positions()[-1] >= _OPEN_M
        )
