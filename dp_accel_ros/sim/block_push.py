# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Block push: two blocks, two zones, one block into each, in any order and assignment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dp_accel_ros.sim.base import Array
from dp_accel_ros.sim.scene import Block, Mark, Scene, View
from dp_accel_ros.sim.world import ArmWorld

BLOCKS = ("blue_block", "orange_block")
ZONES = ("left_zone", "right_zone")
BLOCK_PARTS = ("x", "y", "cos4yaw", "sin4yaw", "from_tip_x", "from_tip_y")
BLOCK_HALF_M = 0.022
_SLIDING_FRICTION = 0.45

_SCENE = Scene(
    blocks=(
        Block(
            name=BLOCKS[0],
            rgb=(0.13, 0.36, 0.86),
            half_size=BLOCK_HALF_M,
            sliding_friction=_SLIDING_FRICTION,
            slippery=True,
        ),
        Block(
            name=BLOCKS[1],
            rgb=(0.96, 0.50, 0.07),
            half_size=BLOCK_HALF_M,
            sliding_friction=_SLIDING_FRICTION,
            slippery=True,
        ),
    ),
    marks=(
        Mark(name=ZONES[0], rgb=(0.52, 0.74, 0.66), half_size=0.055, shape="box"),
        Mark(name=ZONES[1], rgb=(0.70, 0.63, 0.82), half_size=0.055, shape="box"),
    ),
    front=View(target=(0.49, 0.0, 0.03), fovy_deg=36.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPush:
    """Two 4.4 cm blocks near the arm, to be pushed into two 11 cm squares further out."""

    name: str = "block_push"
    max_ticks: int = 420
    hold_ticks: int = 5
    block_x_m: tuple[float, float] = (0.41, 0.46)
    block_side_m: tuple[float, float] = (0.055, 0.12)
    """How far to either side a block starts, m; which block starts where is drawn."""
    max_yaw_rad: float = float(np.deg2rad(20.0))
    zone_centres_m: tuple[tuple[float, float], ...] = ((0.60, 0.095), (0.60, -0.095))
    zone_jitter_m: float = 0.02
    tolerance_m: float = 0.035
    """How far a block's centre may be from a zone's, along each side of the zone, m."""
    scene: Scene = _SCENE
    state_names: tuple[str, ...] = (
        *(f"{block}_{part}" for block in BLOCKS for part in BLOCK_PARTS),
        *(f"{zone}_{part}" for zone in ZONES for part in ("x", "y")),
        "tip_x",
        "tip_y",
        "tip_z",
    )

    def place(self, world: ArmWorld, rng: np.random.Generator) -> None:
        """Put one block on either side and jitter the zones."""
        sides = rng.permutation([-1.0, 1.0])
        for block, side in zip(BLOCKS, sides, strict=True):
            x, y = rng.uniform(*self.block_x_m), side * rng.uniform(*self.block_side_m)
            yaw = rng.uniform(-self.max_yaw_rad, self.max_yaw_rad)
            world.place_block(block, (x, y, BLOCK_HALF_M), yaw)
        for zone, centre in zip(ZONES, self.zone_centres_m, strict=True):
            jitter = rng.uniform(-self.zone_jitter_m, self.zone_jitter_m, 2)
            world.place_mark(zone, centre + jitter)

    def state(self, world: ArmWorld) -> Array:
        """Return the blocks, the zones and the fingertips, (19,), m.

        A block is at its place on the table and, a push being a matter of millimetres, also where
        it is seen from the fingertips, along the table's axes.
        """
        tip = world.tip_position()
        blocks = [
            (*place, np.cos(4 * yaw), np.sin(4 * yaw), *(place - tip[:2]))
            for block in BLOCKS
            for place, yaw in ((world.block_position(block)[:2], world.block_yaw(block)),)
        ]
        zones = [world.mark_position(zone) for zone in ZONES]
        return np.concatenate([*blocks, *zones, tip])

    def reached(self, world: ArmWorld) -> bool:
        """Say whether each block is in a zone of its own."""
        inside = [[self.inside(world, block, zone) for zone in ZONES] for block in BLOCKS]
        return bool((inside[0][0] and inside[1][1]) or (inside[0][1] and inside[1][0]))

    def inside(self, world: ArmWorld, block: str, zone: str) -> bool:
        """Say whether `block` is in `zone`."""
        offset = world.block_position(block)[:2] - world.mark_position(zone)
        return bool(np.abs(offset).max() <= self.tolerance_m)
