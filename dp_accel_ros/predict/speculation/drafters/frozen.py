# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Drafts with one clean estimate for the whole window: no training and no network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dp_accel_ros.predict.schedule import Floats
from dp_accel_ros.predict.speculation.drafters.base import Needs, Path, Window
from dp_accel_ros.predict.speculation.drafters.openings import OpeningSource


@dataclass(frozen=True, slots=True)
class FrozenEstimate:
    """Keeps the newest clean estimate h fixed while it steps (De Bortoli et al. 2025, eq. 7).

    The estimate is a martingale along the exact chain, so the newest one is the best guess that
    the past alone allows.
    """

    name: str
    needs: Needs
    opening: OpeningSource

    def path(self, window: Window) -> Path:
        """Return the drafted states of a round."""
        return path_with(window, window.estimate[:, None])


def path_with(window: Window, estimates: Floats) -> Path:
    """Return the states drafted with estimates (R, K or 1, T, Da): one cumulative sum."""
    # In y = precision * x a step adds what does not depend on x, so K steps are one sum.
    table, inner = window.table, window.steps[:, :-1]
    rise = table.rise[inner][..., None, None]  # (R, K, 1, 1)
    precision = table.precision[window.steps][..., None, None]  # (R, K + 1, 1, 1)
    steps = rise * (rise * estimates + window.noise[:, :-1])
    states = np.empty_like(window.noise)  # (R, K + 1, T, Da)
    states[:, 0] = window.x
    y = np.cumsum(steps, axis=1, out=states[:, 1:])
    y += precision[:, :1] * states[:, :1]
    y /= precision[:, 1:]
    return Path(states, estimates)
