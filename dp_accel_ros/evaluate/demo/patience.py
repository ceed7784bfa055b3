# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Waiting that ends, on a machine that may itself stand still for a while."""

from __future__ import annotations

LONGEST_STEP_S = 0.5
"""More between two looks is not waiting: the machine was suspended, or did something else."""


class Patience:
    """Adds up the time between looks, and counts no gap for longer than `LONGEST_STEP_S`.

    Args:
        limit_s: How long to wait.
        now_s: The time on any steady clock.
    """

    def __init__(self, limit_s: float, now_s: float) -> None:
        self.limit_s = limit_s
        self._waited_s, self._last_s = 0.0, now_s

    def is_over(self, now_s: float) -> bool:
        """Look once more, and say whether the limit is passed."""
        self._waited_s += min(LONGEST_STEP_S, now_s - self._last_s)
        self._last_s = now_s
        return self._waited_s > self.limit_s

    def renew(self) -> None:
        """Begin to wait anew."""
        self._waited_s = 0.0
