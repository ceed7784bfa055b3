# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The trained denoiser under the conditions of a batch, asked about any states of any row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.schedule import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One network call for states that belong to several rows, each at its own level."""

    denoiser: Denoiser
    condition: NDArray[np.float32]
    """(B, To, C)."""

    def __call__(self, x: Floats, levels: NDArray[np.int64], rows: NDArray[np.int64]) -> Floats:
        """Return clean estimates (S, T, Da) of states (S, T, Da) at levels (S,) of rows (S,)."""
        # One row stays one: a network then need not find out that all states share it.
        shared = len(self.condition) == 1
        condition = self.condition if shared else self.condition[rows]
        return self.denoiser.given(condition)(x, levels)
