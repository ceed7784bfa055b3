# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What every drafter offers: states that the chain may visit next, without asking the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.predict.schedule import Floats
from dp_accel_ros.predict.speculation.answers import Answers
from dp_accel_ros.predict.speculation.step_table import StepTable

if TYPE_CHECKING:  # the methods import this family
    from dp_accel_ros.predict.methods.base import Previous

Needs = Literal["nothing", "estimate", "fresh estimate"]
"""What a drafter must know of the target before it drafts.

estimate        any earlier clean estimate, or an opening
fresh estimate  that of the step before; after a rejection one step is taken without drafts
"""


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """Guesses of the clean chunk before the target was first asked."""

    estimate: NDArray[np.float32]
    """(B, T, Da)."""

    known: NDArray[np.bool_]
    """Which rows have a guess, (B,)."""

    distance: NDArray[np.float32] | None = None
    """Distance of the retrieved keys, (B,)."""

    rows: NDArray[np.int64] | None = None
    """Rows of the retrieval store that the guesses came from, (B,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """What is to be drafted in one round for R rows, which may stand at different steps."""

    table: StepTable
    condition: NDArray[np.float32]
    """(R, To, C)."""

    x: Floats
    """Where each row stands, (R, T, Da)."""

    steps: NDArray[np.int64]
    """Steps from there on, (R, K + 1); at the end of the chain the last one repeats."""

    noise: NDArray[np.float32]
    """Noise of these steps, (R, K + 1, T, Da)."""

    estimate: Floats
    """The newest clean estimate of the target, (R, T, Da)."""

    origin: Floats | None = None
    """The state that this estimate is about, one step back, or before the first step `x` itself."""

    answers: Answers | None = None
    """What the target said of these steps before, (R, K + 1)."""

    @property
    def size(self) -> int:
        """The most states to draft for a row (K)."""
        return self.steps.shape[1] - 1


class Path(NamedTuple):
    """A drafted piece of the chain."""

    states: Floats
    """Where the row stands and the drafted states, (R, K + 1, T, Da)."""

    estimates: Floats
    """The clean estimate that each drafted step was made with, (R, K or 1, T, Da)."""


class Drafter(Protocol):
    """Stands in for the target in a row of steps; safe to share between threads."""

    @property
    def name(self) -> str:
        """Name under which it is listed in `DRAFTERS`."""
        ...

    @property
    def needs(self) -> Needs:
        """What it must know of the target before it drafts."""
        ...

    def opening(
        self, condition: NDArray[np.float32], previous: Sequence[Previous | None]
    ) -> Opening | None:
        """Return guesses to start from, for conditions (B, To, C), or None if it makes none."""
        ...

    def path(self, window: Window) -> Path:
        """Return the drafted states of a round.

        `noise` of a step must be used for that step, and of `answers` none of a later step.
        """
        ...
