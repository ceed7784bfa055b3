# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What every encoder offers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Encoder(Protocol):
    """A network from camera frames, joints and state to features; safe to share between threads."""

    @property
    def feature_dim(self) -> int:
        """Features per frame (C)."""
        ...

    def encode(
        self,
        images: Mapping[str, NDArray[np.uint8]],
        joints: NDArray[np.float32],
        state: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Return features, (B, C), of one instant in each row.

        Args:
            images: Frames of every camera, (B, H, W, 3).
            joints: Normalised joint positions, (B, Dj).
            state: What else was measured, in raw units, (B, S); None for bundles without a state.
        """
        ...
