# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A path that is drafted state after state, where an estimate depends on the state before."""

from __future__ import annotations

import numpy as np

from dp_accel_ros.predict.schedule import Floats
from dp_accel_ros.predict.speculation.drafters.base import Path, Window


class StepByStep:
    """The states of a round as they are drafted, with what each step was made with."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self.states = np.empty_like(window.noise)  # (R, K + 1, T, Da)
        self.states[:, 0] = window.x
        self.estimates = np.empty_like(self.states[:, :-1])  # (R, K, T, Da)

    def make(self, k: int, estimate: Floats) -> None:
        """Make step k with a clean estimate, (R, T, Da)."""
        window, x = self._window, self.states[:, k]
        self.estimates[:, k] = estimate
        self.states[:, k + 1] = window.table.stepped(
            window.steps[:, k], estimate, x, window.noise[:, k]
        )

    @property
    def path(self) -> Path:
        """What was drafted."""
        return Path(self.states, self.estimates)
