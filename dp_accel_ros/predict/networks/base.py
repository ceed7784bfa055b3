# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What every denoising network offers."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Network(Protocol):
    """A trained network; what its output means is known to the `Denoiser` alone."""

    def __call__(
        self, x: NDArray[np.float32], t: NDArray[np.float32], cond: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the prediction, (B, T, Da), for x, (B, T, Da), t, (B,), and cond, (B, To, C)."""
        ...
