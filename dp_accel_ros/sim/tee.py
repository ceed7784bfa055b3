# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The T of Push-T as the corners of its two bars, which say where it is without an angle.

An angle jumps at a full turn and weighs far corners as little as near ones. The corners follow
from the pose alone, so recordings that kept only the pose give what the simulation gives. Where the
pusher touches is a matter of millimetres, so each corner is also told as seen from there.
"""

from __future__ import annotations

import numpy as np

from dp_accel_ros.sim.base import Array

CORNERS_M = np.array(
    [
        *((-0.06, 0.03), (0.06, 0.03), (0.06, 0.0), (-0.06, 0.0)),
        *((-0.015, 0.03), (-0.015, 0.12), (0.015, 0.12), (0.015, 0.03)),
    ]
)
"""The crossbar's corners, then the stem's, in the T's own frame, (8, 2), m."""

CORNER_NAMES = tuple(f"tee_corner{index}_{axis}" for index in range(8) for axis in ("x", "y"))
"""One name for every number of `corners`."""

STATE_NAMES = (
    *CORNER_NAMES,
    *(f"tee_corner{index}_from_tip_{axis}" for index in range(8) for axis in ("x", "y")),
)
"""One name for every number of `tee_state`; the tip is the pusher."""


def tee_state(scenes: Array) -> Array:
    """Return the corners and their offsets from the pusher, (N, 32), m.

    Args:
        scenes: The pusher's x, y and the T's x, y, angle, (N, 5), m and rad.
    """
    places = corners(scenes[:, 2:])
    offsets = places.reshape(-1, 8, 2) - scenes[:, None, :2]
    return np.concatenate([places, offsets.reshape(len(scenes), -1)], axis=1)


def corners(poses: Array) -> Array:
    """Return the corners of the T, (N, 16), m, from its poses x, y, angle, (N, 3), m and rad."""
    cosine, sine = np.cos(poses[:, 2]), np.sin(poses[:, 2])
    turns = np.stack([np.stack([cosine, sine], -1), np.stack([-sine, cosine], -1)], 1)
    turned = CORNERS_M @ turns  # (N, 8, 2)
    return (turned + poses[:, None, :2]).reshape(len(poses), -1)
