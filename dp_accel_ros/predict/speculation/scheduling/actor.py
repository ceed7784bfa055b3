# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What chooses: a small network."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Actor(Protocol):
    """From what is seen (B, O) to one number in [-1, 1] for each knob and stage, (B, A).

    Safe to share between threads.
    """

    def __call__(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the choice for each row."""
        ...
