# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Where every row of a batch stands between two rounds, and what it has cost so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.predict.schedule import Floats
from dp_accel_ros.predict.speculation.answers import Answers
from dp_accel_ros.predict.speculation.drafters.base import Needs, Opening
from dp_accel_ros.predict.speculation.draws import Draws


@dataclass(frozen=True, slots=True, eq=False)
class Chains:
    """Arrays with one entry a row, (B, ...), that the rounds write to."""

    x: Floats
    """The newest emitted state, (B, T, Da); after the last step the clean chunk."""

    step: NDArray[np.int64]
    """The step that each row makes next, (B,)."""

    estimate: Floats
    """The newest clean estimate of the target, or the opening, (B, T, Da)."""

    origin: Floats
    """The state that the target was asked about for that estimate, (B, T, Da)."""

    has_estimate: NDArray[np.bool_]
    is_fresh: NDArray[np.bool_]
    """Whether the last draft was accepted, so that the estimate is that of the step before."""

    rounds: NDArray[np.int64]
    """Serial calls of the target."""

    rows: NDArray[np.int64]
    """States that the target evaluated."""

    drafts: NDArray[np.int64]
    """States that the drafter made."""

    gaps: NDArray[np.float32]
    """Standard deviations between the means of draft and target, (B, N); NaN where untested."""

    accepted: NDArray[np.bool_]
    """(B, N)."""

    answers: Answers
    """The target's, of every step that it was asked about."""

    @classmethod
    def started(cls, draws: Draws, opening: Opening | None) -> Chains:
        """Return chains at their first noise."""
        n_rows, n_steps = draws.log_uniform.shape
        start = draws.noise[:, 0]
        zeros, no = np.zeros(n_rows, np.int64), np.zeros(n_rows, np.bool_)
        return cls(
            # Rounds write in place, and the draws must stay what they were.
            x=start.copy(),
            step=zeros.copy(),
            estimate=np.zeros_like(start) if opening is None else opening.estimate.copy(),
            origin=start.copy(),
            has_estimate=no.copy() if opening is None else opening.known.copy(),
            is_fresh=no.copy() if opening is None else opening.known.copy(),
            rounds=zeros.copy(),
            rows=zeros.copy(),
            drafts=zeros.copy(),
            gaps=np.full((n_rows, n_steps), np.nan, np.float32),
            accepted=np.zeros((n_rows, n_steps), np.bool_),
            answers=Answers.none(n_rows, n_steps, start.shape[1:]),
        )

    def unfinished(self) -> NDArray[np.int64]:
        """Return the rows that have steps left, (R,)."""
        return np.flatnonzero(self.step < self.gaps.shape[1])

    def move(
        self,
        rows: NDArray[np.int64],
        x: Floats,
        n_steps: NDArray[np.int64],
        estimate: Floats,
        origin: Floats,
        is_fresh: NDArray[np.bool_],
    ) -> None:
        """Put rows (R,) where they stand after a round."""
        self.x[rows] = x
        self.step[rows] += n_steps
        self.estimate[rows] = estimate
        self.origin[rows] = origin
        self.has_estimate[rows] = True
        self.is_fresh[rows] = is_fresh

    def ready(self, needs: Needs) -> NDArray[np.bool_]:
        """Return which rows know what a drafter needs, (B,)."""
        if needs == "nothing":
            return np.ones_like(self.has_estimate)
        return self.is_fresh if needs == "fresh estimate" else self.has_estimate
