# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Chains that have to be done in time: when to stop making rounds, and how to end without them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.samplers import Ddim
from dp_accel_ros.predict.sampling import sampled
from dp_accel_ros.predict.schedule import CLEAN
from dp_accel_ros.predict.speculation.chains import Chains
from dp_accel_ros.predict.speculation.step_table import StepTable

FINAL_STEPS = 2
"""Steps of DDIM in place of all that time did not allow for."""


class TimeLimit:
    """Says before each round whether it fits, if it takes as long as the longest so far.

    Time for the final steps is kept free: each is a call for one state, which no round is shorter
    than.
    """

    def __init__(self, elapsed_s: Callable[[], float | None], limit_s: float) -> None:
        """Take the seconds since the chunk was asked for, None without a clock, and their limit.

        A limit of 0 is none.
        """
        self._elapsed_s, self._limit_s = elapsed_s, limit_s
        self._last_s: float | None = None
        self._rounds_s: list[float] = []

    def another_fits(self) -> bool:
        """Say whether there is time for one more round; ask before each."""
        now_s = self._elapsed_s() if self._limit_s > 0.0 else None
        if now_s is None:
            return True
        if self._last_s is not None:
            self._rounds_s.append(now_s - self._last_s)
        self._last_s = now_s
        shortest, longest = min(self._rounds_s, default=0.0), max(self._rounds_s, default=0.0)
        return now_s + longest + FINAL_STEPS * shortest <= self._limit_s


def finish(
    chains: Chains,
    table: StepTable,
    denoiser: Denoiser,
    condition: NDArray[np.float32],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """End the chains that have steps left, in place, and count the calls.

    Returns:
        The level at which each was left, (B,), `CLEAN` where it had come to its end.
    """
    left = np.full(len(chains.x), CLEAN)
    rows = chains.unfinished()
    left[rows] = table.levels[chains.step[rows]]
    for level in np.unique(left[rows]).tolist():
        of = np.flatnonzero(left == level)
        levels = final_levels(level)
        sampler = Ddim(denoiser.schedule, levels)
        chains.x[of] = sampled(denoiser, sampler, condition[of], chains.x[of], rng)
        chains.rounds[of] += len(levels)
        chains.rows[of] += len(levels)
    return left


def final_levels(level: int) -> tuple[int, ...]:
    """Return at most `FINAL_STEPS` levels from one down, evenly spaced; the last step is clean."""
    spaced = np.linspace(level, 0, FINAL_STEPS, endpoint=False).astype(int)
    return tuple(dict.fromkeys(spaced.tolist()))
