# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Lift: grasp a cube from anywhere in a small square and hold it above the table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dp_accel_ros.sim.base import Array
from dp_accel_ros.sim.block_state import BLOCK_STATE, block_state
from dp_accel_ros.sim.scene import Block, Scene
from dp_accel_ros.sim.world import ArmWorld

CUBE = "cube"
CUBE_HALF_M = 0.02

_SCENE = Scene(blocks=(Block(name=CUBE, rgb=(0.91, 0.20, 0.13)),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """A 4 cm cube over 12 x 12 cm, yaw up to 40 degrees either way."""

    name: str = "lift"
    max_ticks: int = 160
    hold_ticks: int = 5
    centre_m: tuple[float, float] = (0.49, 0.0)
    """Middle of the square that the cube starts in, m."""
    half_range_m: float = 0.06
    """Half the side of that square, m."""
    max_yaw_rad: float = float(np.deg2rad(40.0))
    height_m: float = 0.08
    """How far above its rest the cube has to be, m."""
    scene: Scene = _SCENE
    state_names: tuple[str, ...] = tuple(f"cube_{part}" for part in BLOCK_STATE)

    def place(self, world: ArmWorld, rng: np.random.Generator) -> None:
        """Put the cube somewhere in its square."""
        xy = rng.uniform(-self.half_range_m, self.half_range_m, 2) + self.centre_m
        yaw = rng.uniform(-self.max_yaw_rad, self.max_yaw_rad)
        world.place_block(CUBE, (*xy, CUBE_HALF_M), yaw)

    def state(self, world: ArmWorld) -> Array:
        """Return the cube in the base frame and its offset in the hand's frame, (8,), m."""
        return block_state(world, CUBE)

    def reached(self, world: ArmWorld) -> bool:
        """Say whether the cube is high enough."""
        return bool(world.block_position(CUBE)[2] >= CUBE_HALF_M + self.height_m)
