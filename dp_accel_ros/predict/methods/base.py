# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What every method offers: from a condition to an action chunk, and what that cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.chunk import Cost
from dp_accel_ros.predict.schedule import Floats
from dp_accel_ros.predict.stages import StageTimes
from dp_accel_ros.speculation_facts import SpeculationFacts

EncoderName = Literal["policy", "alt"]


@dataclass(frozen=True, slots=True)
class Previous:
    """What the same robot was given last, seen from now."""

    elapsed_steps: int
    """Control steps since the observation it answered, at least 0."""

    normalised: NDArray[np.float32]
    """The whole chunk, (Tp, Da)."""

    match: tuple[int, int] | None
    """Episode and frame that it was retrieved from."""

    speculation: SpeculationFacts | None = None
    """What speculation did for it."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Action chunks for a batch of observations."""

    actions: Floats
    """Normalised chunks, (B, Tp, Da)."""

    costs: tuple[Cost, ...]
    """One for each row; times are added by the policy."""


class Method(Protocol):
    """A way to get from a condition to an action chunk; safe to share between threads."""

    @property
    def name(self) -> str:
        """Name under which it is listed in `METHODS`."""
        ...

    @property
    def encoder(self) -> EncoderName:
        """Whose features the condition holds: `policy` (B, To, C), `alt` (B, K)."""
        ...

    def act(
        self,
        condition: NDArray[np.float32],
        rng: np.random.Generator,
        previous: Sequence[Previous | None],
        times: StageTimes,
    ) -> Proposal:
        """Return one chunk for each row of the condition.

        Args:
            condition: Features, see `encoder`.
            rng: All randomness there is; the same state gives the same chunks.
            previous: For each row, what came before, or None at the start of an episode.
            times: Where the stages `retrieve` and `sample` are timed.
        """
        ...
