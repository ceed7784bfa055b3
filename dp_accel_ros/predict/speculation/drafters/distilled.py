# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Drafts with a small network that was distilled from the target (TS-DP, eq. 7-9)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.predict.denoiser import Denoise, Denoiser
from dp_accel_ros.predict.schedule import Floats
from dp_accel_ros.predict.speculation.drafters.base import Needs, Path, Window
from dp_accel_ros.predict.speculation.drafters.openings import OpeningSource, no_opening
from dp_accel_ros.predict.speculation.drafters.step_by_step import StepByStep

TRUST = 0.6
"""Chosen on lift with a drafter that was trained for minutes; one of 3000 steps then came to 12.1
rounds at 96.3 % on other chunks."""


@dataclass(frozen=True, slots=True)
class Distilled:
    """Asks the small network at every drafted state, one after the other (TS-DP's drafter)."""

    name: str
    network: Denoiser
    opening: OpeningSource = no_opening
    needs: Needs = "nothing"

    def path(self, window: Window) -> Path:
        """Return the drafted states of a round."""
        denoise, levels = self.network.given(window.condition), window.table.levels
        path = StepByStep(window)
        for k in range(window.size):
            path.make(k, denoise(path.states[:, k], levels[window.steps[:, k]]))
        return path.path


@dataclass(frozen=True, slots=True)
class Corrected:
    """Adds a share of what the small network says has changed to what the target said.

    The target was asked about an earlier step, or about another path through the same step; what
    the small network gets wrong there and here alike cancels.
    """

    name: str
    opening: OpeningSource
    network: Denoiser
    trust: float = TRUST
    """Share of the network's change that is added: 0 drafts like `Recalled`, 1 is for a network
    whose changes are as right as the target's."""

    needs: Needs = "estimate"

    def path(self, window: Window) -> Path:
        """Return the drafted states of a round."""
        denoise, levels = self.network.given(window.condition), window.table.levels
        path, base = StepByStep(window), self._newest_base(window, denoise)
        bases, known = self._bases(window)
        for k in range(window.size):
            base = np.where(known[:, k, None, None], bases[:, k], base)
            own = denoise(path.states[:, k], levels[window.steps[:, k]])
            estimate = base + np.float32(self.trust) * own
            path.make(k, np.clip(estimate, -1.0, 1.0) if self.network.clip else estimate)
        return path.path

    def _newest_base(self, window: Window, denoise: Denoise) -> Floats:
        """Return the target's newest answer less the share of the network's, (R, T, Da)."""
        if window.origin is None or not window.size:
            return np.zeros_like(window.x)
        last = np.maximum(window.steps[:, 0] - 1, 0)
        own = denoise(window.origin, window.table.levels[last])
        return window.estimate - np.float32(self.trust) * own

    def _bases(self, window: Window) -> tuple[Floats, NDArray[np.bool_]]:
        """Return the same of all answers, (R, K, T, Da), and which are known, (R, K)."""
        bases = np.zeros_like(window.noise[:, :-1])
        if window.answers is None:
            return bases, np.zeros(bases.shape[:2], np.bool_)
        known = window.answers.known[:, :-1]
        rows, at = np.nonzero(known)
        if len(rows):  # one call for all of them
            denoise = self.network.given(window.condition[rows])
            levels = window.table.levels[window.steps[rows, at]]
            own = denoise(window.answers.states[rows, at], levels)
            own *= np.float32(self.trust)
            bases[rows, at] = window.answers.estimates[rows, at] - own
        return bases, known
