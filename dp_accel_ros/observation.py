# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What the robot saw: the last few control steps of every sensor, aligned in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Observation:
    """The newest `n_obs_steps` (To) control steps, oldest first.

    The same arrays come out of a live `ObservationWindow` and out of a data set, sample for sample.
    """

    stamp_ns: int
    """Capture time of the newest images or state, in ns; action 0 of the chunk is due then."""

    images: Mapping[str, NDArray[np.uint8]]
    """For each camera, RGB frames, (To, H, W, 3)."""

    joints: NDArray[np.float32]
    """Joint positions in the bundle's order and units, (To, Dj)."""

    state: NDArray[np.float32] | None = None
    """What else was measured, in the order of the bundle's `state`, (To, S); None where it has none."""
