# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The seam between two chunks: the arm leaves the old course and grows into the new one.

commanded  *--.
           |   `--.          offset at the switch
new chunk  o--o--o-`-o--o
           |<- blend_s ->|
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.execute.trajectory import Setpoint

Array = NDArray[np.float64]


def offset_share(elapsed_s: Array, blend_s: float) -> Array:
    """Return how much of the offset is left, (N,): 1 at the switch, 0 from `blend_s` on."""
    if blend_s <= 0.0:
        return np.where(elapsed_s > 0.0, 0.0, 1.0)
    u = np.clip(elapsed_s / blend_s, 0.0, 1.0)
    # 1 - 3 u² + 2 u³: no slope at either end, so that no velocity jumps with the offset.
    return (1.0 - u) ** 2 * (1.0 + 2.0 * u)


def blended(
    wanted: Array, elapsed_s: Array, commanded: Setpoint, reference: Setpoint, blend_s: float
) -> Array:
    """Return waypoints, (N, Da), that start on the commanded course and end on the wanted one.

    Args:
        wanted: Waypoints of the new chunk, (N, Da).
        elapsed_s: Their times after the switch, (N,).
        commanded: Where the arm was told to be at the switch.
        reference: Where the new chunk would have it at the switch.
        blend_s: How long the offset takes to vanish.
    """
    share = offset_share(elapsed_s, blend_s)[:, None]
    position_gap = commanded.positions - reference.positions
    velocity_gap = commanded.velocities - reference.velocities
    # The gap in velocity goes along, so that the course leaves as fast as it came.
    return wanted + share * (position_gap + elapsed_s[:, None] * velocity_gap)
