# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Drafts with what the target said of the same steps in the round before: no training either."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dp_accel_ros.predict.schedule import Floats
from dp_accel_ros.predict.speculation.drafters.base import Needs, Path, Window
from dp_accel_ros.predict.speculation.drafters.frozen import path_with
from dp_accel_ros.predict.speculation.drafters.openings import OpeningSource


@dataclass(frozen=True, slots=True)
class Recalled:
    """Makes a step with the newest answer about it, or else about the last step that has one.

    A round verifies more than it keeps. What the target said behind the draft that failed is the
    best guess for the next round, whose path differs by one reflection: a Picard iteration
    (Shih et al. 2023) that is verified as it goes.
    """

    name: str
    opening: OpeningSource
    needs: Needs = "estimate"

    def path(self, window: Window) -> Path:
        """Return the drafted states of a round."""
        return path_with(window, recalled(window))


def recalled(window: Window) -> Floats:
    """Return the newest answer about each step or the last one before that has any, (R, K, T, Da)."""
    if window.answers is None or not window.size:
        return window.estimate[:, None]
    known = window.answers.known[:, :-1]  # (R, K)
    # Place of the newest answer about a step or an earlier one; -1 where there is none.
    last = np.maximum.accumulate(np.where(known, np.arange(window.size), -1), axis=1)
    found = np.take_along_axis(
        window.answers.estimates, np.maximum(last, 0)[..., None, None], axis=1
    )
    return np.where((last < 0)[..., None, None], window.estimate[:, None], found)
