# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What the target said in earlier rounds, kept step by step: also of drafts that were thrown away.

A step keeps its noise when it is drafted anew, so the new path runs close by the old one and the
old answer is a good guess of the next. It is an honest one too: an answer about a state depends on
the noise of the steps before it alone, never on that of the step that is drafted with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.predict.schedule import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Arrays with an entry for each row and step, or for each row and step of a window.

    Whoever drafts a step may use entries of that step and of earlier ones, no later ones: those
    know the noise of the step, and with them a draft would no longer be an independent proposal.
    """

    known: NDArray[np.bool_]
    """(B, N)."""

    states: Floats
    """What the target was asked about, (B, N, T, Da)."""

    estimates: Floats
    """What it said, (B, N, T, Da)."""

    @classmethod
    def none(cls, n_rows: int, n_steps: int, chunk_shape: tuple[int, ...]) -> Answers:
        """Return room for the answers about `n_steps` steps."""
        shape = (n_rows, n_steps, *chunk_shape)
        known = np.zeros(shape[:2], np.bool_)
        return cls(known, np.zeros(shape, np.float32), np.zeros(shape, np.float32))

    def note(
        self, rows: NDArray[np.int64], steps: NDArray[np.int64], states: Floats, estimates: Floats
    ) -> None:
        """Write down answers (S, T, Da) about steps (S,) of rows (S,), over older ones."""
        self.known[rows, steps] = True
        self.states[rows, steps] = states
        self.estimates[rows, steps] = estimates

    def of_steps(self, rows: NDArray[np.int64], steps: NDArray[np.int64]) -> Answers:
        """Return those about the steps (R, K) of rows (R,)."""
        at = rows[:, None], steps
        return Answers(self.known[at], self.states[at], self.estimates[at])
