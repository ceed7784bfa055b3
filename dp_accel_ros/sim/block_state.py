# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The numbers that say where a block is, for the arm and for a look-up."""

from __future__ import annotations

import numpy as np

from dp_accel_ros.sim.base import Array
from dp_accel_ros.sim.world import ArmWorld

BLOCK_STATE = ("x", "y", "z", "cos4yaw", "sin4yaw", "from_tip_x", "from_tip_y", "from_tip_z")
"""One name for every number of `block_state`."""


def block_state(world: ArmWorld, name: str) -> Array:
    """Return a block's position, (3,), the cosine and sine of four times its yaw, and its offset.

    A cube looks the same after a quarter turn, and so do the two numbers for its yaw. The offset,
    (3,), is from the point between the fingertips to the block, in the hand's frame.
    """
    position, yaw = world.block_position(name), world.block_yaw(name)
    offset = world.seen_from_tip(position)
    return np.array([*position, np.cos(4 * yaw), np.sin(4 * yaw), *offset])
