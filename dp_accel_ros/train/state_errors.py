# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""How far an estimate of the task state is off, in units that mean something."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def state_errors(
    truth: NDArray[np.float32], estimate: NDArray[np.float32], names: Sequence[str]
) -> dict[str, float]:
    """Return median and 90th percentile of errors between states, (N, S) each, by what they are.

    Pairs `a_x`, `a_y` give a distance in mm; pairs `a_cos4yaw`, `a_sin4yaw` an angle in degrees.
    """
    column = {name: index for index, name in enumerate(names)}
    found: dict[str, float] = {}
    for name in names:
        stem, _, part = name.rpartition("_")
        if part == "x" and f"{stem}_y" in column:
            pair = [column[name], column[f"{stem}_y"]]
            error = 1e3 * np.linalg.norm((truth - estimate)[:, pair], axis=1)
            found |= _summary(f"{stem}_xy_mm", error)
        if part == "cos4yaw" and f"{stem}_sin4yaw" in column:
            pair = [column[name], column[f"{stem}_sin4yaw"]]
            found |= _summary(f"{stem}_yaw_deg", _yaw_error(truth[:, pair], estimate[:, pair]))
    return found


def _yaw_error(truth: NDArray[np.float32], estimate: NDArray[np.float32]) -> NDArray[np.floating]:
    """Return the angle between (cos 4 yaw, sin 4 yaw) pairs, (N, 2), as yaw in degrees."""
    difference = np.arctan2(truth[:, 1], truth[:, 0]) - np.arctan2(estimate[:, 1], estimate[:, 0])
    return np.abs(np.rad2deg((difference + np.pi) % (2 * np.pi) - np.pi)) / 4


def _summary(name: str, error: NDArray[np.floating]) -> dict[str, float]:
    p50, p90 = np.percentile(error, [50, 90])
    return {f"{name}_p50": float(p50), f"{name}_p90": float(p90)}
