# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What every encoder offers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Encoder(Protocol):
    """A network from camera frames and joints to features; safe to share between threads."""

    @property
    def feature_dim(self) -> int:
        """Features per frame (C)."""
        ...

    def encode(
        self, images: Mapping[str, NDArray[np.uint8]], joints: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return features, (B, C), of frames, (B, H, W, 3), and normalised joints, (B, Dj)."""
        ...
