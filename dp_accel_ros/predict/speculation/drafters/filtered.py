# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Drafts that follow their own noise as a Kalman filter would: what was said, moved by what came.

With snr = (alpha / sigma)² and y = snr x0 + sqrt(snr) z, a chain observes its clean chunk more and
more exactly. If chunks were Gaussian with covariance C, an answer h1 about y1 would tell all that
the target says of any other y2:

    h2 = h1 + (C^-1 + snr2)^-1 ((y2 - y1) - (snr2 - snr1) h1)

The bracket is what came beside what was expected. C = 0 leaves answers as they are, as `recalled`
does; what C gets wrong costs drafts, never the law.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dp_accel_ros.predict.retrieval.spread import Spread
from dp_accel_ros.predict.schedule import Floats
from dp_accel_ros.predict.speculation.drafters.base import Needs, Path, Window
from dp_accel_ros.predict.speculation.drafters.openings import OpeningSource
from dp_accel_ros.predict.speculation.drafters.step_by_step import StepByStep

SHARE = 0.1
"""Of the spread of demonstrations with like observations that a policy still has under one.

Chosen on lift among 0.03, 0.1 and 0.3, which differ little."""


class _Told(NamedTuple):
    """The newest answer about each row, as vectors."""

    estimate: Floats
    """(R, D)."""

    y: Floats
    """What it is about, (R, D)."""

    snr: Floats
    """(R, 1)."""


@dataclass(frozen=True, slots=True, eq=False)
class Filtered:
    """Moves the newest answer about a step, or about the last step that has one."""

    name: str
    opening: OpeningSource
    spread: Spread
    """How chunks (D,) differ under one observation."""

    clip: bool = True
    """Whether clean estimates end at -1 and 1, as those of the target do."""

    needs: Needs = "estimate"

    def path(self, window: Window) -> Path:
        """Return the drafted states of a round."""
        path, told = StepByStep(window), _newest(window)
        for k in range(window.size):
            told = _at(told, window, k)
            y, snr = _observed(window, path.states[:, k], k)
            surprise = (y - told.y) - (snr - told.snr) * told.estimate
            estimate = told.estimate + self.spread.gained(surprise, snr)
            if self.clip:
                estimate = np.clip(estimate, -1.0, 1.0)
            path.make(k, estimate.reshape(window.x.shape))
        return path.path


def _newest(window: Window) -> _Told:
    """Return what is known before the window: an answer about the step before, or an opening."""
    about = window.x if window.origin is None else window.origin
    last = np.maximum(window.steps[:, 0] - 1, 0)
    precision = window.table.precision[last][:, None]
    flat = window.estimate.reshape(len(about), -1)
    return _Told(flat, precision * about.reshape(len(about), -1), window.table.snr[last][:, None])


def _at(told: _Told, window: Window, k: int) -> _Told:
    """Return the answers about step k where the target was asked before, else the older ones."""
    if window.answers is None or not (known := window.answers.known[:, k]).any():
        return told
    y, snr = _observed(window, window.answers.states[:, k], k)
    newer = window.answers.estimates[:, k].reshape(y.shape), y, snr
    pairs = zip(newer, told, strict=True)
    return _Told(*(np.where(known[:, None], new, old) for new, old in pairs))


def _observed(window: Window, states: Floats, k: int) -> tuple[Floats, Floats]:
    """Return y (R, D) of states (R, T, Da) at step k, and its snr (R, 1)."""
    at = window.steps[:, k]
    y = window.table.precision[at][:, None] * states.reshape(len(states), -1)
    return y, window.table.snr[at][:, None]
