# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Guesses of the clean chunk that cost no call of the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.predict.retrieval.store import RetrievalStore
from dp_accel_ros.predict.speculation.drafters.base import Opening

if TYPE_CHECKING:  # the methods import this family
    from dp_accel_ros.predict.methods.base import Previous


class OpeningSource(Protocol):
    """Makes guesses of the clean chunk."""

    def __call__(
        self, condition: NDArray[np.float32], previous: Sequence[Previous | None]
    ) -> Opening | None:
        """Return guesses for conditions (B, To, C), or None if there are none."""
        ...


def no_opening(condition: NDArray[np.float32], previous: Sequence[Previous | None]) -> None:
    """Return None: the target is asked first."""
    del condition, previous


@dataclass(frozen=True, slots=True)
class RetrievedChunk:
    """The expert chunk of the nearest key. Verification removes its bias, so one is enough."""

    store: RetrievalStore

    def __call__(
        self, condition: NDArray[np.float32], previous: Sequence[Previous | None]
    ) -> Opening:
        """Return one expert chunk for each condition (B, To, C)."""
        del previous
        found = self.store.nearest(condition, 1)
        rows, known = found.rows[:, 0], np.ones(len(condition), np.bool_)
        return Opening(self.store.chunks(rows), known, found.distances[:, 0], rows)


def previous_chunk(
    condition: NDArray[np.float32], previous: Sequence[Previous | None]
) -> Opening | None:
    """Return the chunk that was given before, moved to now, its last action repeated."""
    del condition
    known = [p is not None and p.elapsed_steps < len(p.normalised) for p in previous]
    shifted = [_shifted(p) for p, usable in zip(previous, known, strict=True) if usable and p]
    if not shifted:
        return None
    estimate = np.zeros((len(previous), *shifted[0].shape), np.float32)
    estimate[known] = shifted
    return Opening(estimate, np.array(known))


def _shifted(previous: Previous) -> NDArray[np.float32]:
    last = len(previous.normalised) - 1
    at = np.minimum(np.arange(last + 1) + previous.elapsed_steps, last)
    return previous.normalised[at]
