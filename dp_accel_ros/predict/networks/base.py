# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What every denoising network offers."""

from __future__ import annotations

from typing import Protocol

from dp_accel_ros.predict.schedule import Floats


class Network(Protocol):
    """A trained network; what its output means is known to the `Denoiser` alone."""

    def __call__(self, x: Floats, t: Floats, cond: Floats) -> Floats:
        """Return the prediction, (B, T, Da), for x, (B, T, Da), t, (B,), and cond, (B, To, C)."""
        ...
