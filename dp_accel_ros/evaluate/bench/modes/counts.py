# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Which of several ways to the goal a policy takes, and whether two take each of them as often.

one start ─ many random numbers ─ episodes until the way shows ─ counts ─ chi-square against the base

A policy that was taught several ways shows them only to whoever starts it in one place many times:
over many places, even one that always takes the way of its nearest neighbour looks varied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import ShapeError
from dp_accel_ros.evaluate.rollout import Predict, RolloutConfig, Run, advance
from dp_accel_ros.sim.base import Task

ModeOf = Callable[[Mapping[str, float]], str | None]
"""From a task's state by name to the way that it shows was taken; None as long as none shows."""

N_SHUFFLES = 9999


def shown_modes(
    tasks: Sequence[Task], start: int, predict: Predict, config: RolloutConfig, mode_of: ModeOf
) -> list[str | None]:
    """Return the way of one episode a task, all from the start that belongs to the seed `start`.

    An episode ends when its way shows; None where time was up, or the goal reached, before.
    """
    runs = [Run(task, start, config) for task in tasks]
    shown: dict[Run, str | None] = dict.fromkeys(runs)
    for tick in range(max((run.task.max_ticks for run in runs), default=0)):
        under_way = [run for run in runs if not run.done and shown[run] is None]
        if not under_way:
            break
        advance(under_way, tick, predict, config)
        for run in under_way:
            state = run.task.state().tolist()
            shown[run] = mode_of(dict(zip(run.task.state_names, state, strict=True)))
    return list(shown.values())


@dataclass(frozen=True, slots=True, eq=False)
class ModeCounts:
    """How often each way was taken from each start, (S, M)."""

    counts: NDArray[np.int64]

    @classmethod
    def of(cls, shown: Sequence[Sequence[str | None]], names: Sequence[str]) -> ModeCounts:
        """Return the counts of what was shown from each start; what showed nothing is left out."""
        counts = [[list(ways).count(name) for name in names] for ways in shown]
        return cls(np.array(counts, dtype=np.int64).reshape(len(shown), len(names)))

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share of each way, all starts together, (M,); NaN where nothing was shown."""
        total = self.counts.sum()
        return self.counts.sum(axis=0) / total if total else np.full(self.counts.shape[1], np.nan)

    @property
    def effective(self) -> float:
        """How many ways a start leaves open: exp of the entropy, the mean over starts.

        1 where every start has one way, as many as there are where all are taken alike.
        """
        totals = self.counts.sum(axis=1, keepdims=True)
        shares = (self.counts / np.maximum(totals, 1))[totals[:, 0] > 0]
        logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
        return float(np.exp(-(shares * logs).sum(axis=1)).mean()) if len(shares) else float("nan")


def chi_square(one: ModeCounts, other: ModeCounts) -> float:
    """Return Pearson's statistic of equal frequencies, summed over the starts."""
    if one.counts.shape != other.counts.shape:
        raise ShapeError("counts of `other`", one.counts.shape, other.counts.shape)
    return float(_statistic(one.counts, other.counts).sum())


def same_frequencies_p(one: ModeCounts, other: ModeCounts, rng: np.random.Generator) -> float:
    """Return the p-value of `chi_square` under equal frequencies at every start.

    Its law is drawn: who took which way is dealt out anew among the episodes of each start, since
    the usual approximation needs five of a way from each start and rare ways have fewer.
    """
    found, drawn = chi_square(one, other), np.zeros(N_SHUFFLES)
    for a, b in zip(one.counts, other.counts, strict=True):
        dealt = rng.multivariate_hypergeometric(a + b, int(a.sum()), size=N_SHUFFLES)
        drawn += _statistic(dealt, a + b - dealt)
    # dealt tables that equal the one found must count, whatever the last bits of their sums are
    return float((1 + (drawn >= found - 1e-9).sum()) / (1 + N_SHUFFLES))


def _statistic(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return Pearson's statistic of two samples, counts (N, M) each; ways that none took say 0."""
    sizes = [side.sum(axis=-1, keepdims=True) for side in (one, other)]
    share = (one + other) / np.maximum(sum(sizes), 1)
    statistic = np.zeros(len(one))
    for side, size in zip((one, other), sizes, strict=True):
        expected = share * size
        terms = (side - expected) ** 2
        statistic += np.divide(
            terms, expected, out=np.zeros_like(expected), where=expected > 0
        ).sum(axis=-1)
    return statistic
