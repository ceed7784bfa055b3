# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The rounds of speculative sampling: draft, verify all drafts in one call, keep what holds.

    drafter    x0 ─> x1 ─> x2 ─> x3        K cheap steps, one after the other
    target     x0    x1    x2    x3        one batch, each state at its own level
    rule             ok    ok    no        the first that fails is replaced by its reflection
    emitted          x1    x2    x3'       the next round starts here, at least one step on

If all K hold, the target's answer at the last of them makes one more step: the bonus.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.predict.schedule import Floats
from dp_accel_ros.predict.speculation.chains import Chains
from dp_accel_ros.predict.speculation.coupling import gap_norm, log_ratio, reflected
from dp_accel_ros.predict.speculation.drafters.base import Drafter, Opening, Path, Window
from dp_accel_ros.predict.speculation.draws import Draws
from dp_accel_ros.predict.speculation.plan import within_reach
from dp_accel_ros.predict.speculation.rules.base import AcceptRule, Settings
from dp_accel_ros.predict.speculation.step_table import StepTable
from dp_accel_ros.predict.speculation.target import Target


class Round(NamedTuple):
    """What was drafted for R rows; K is the longest draft, shorter ones are filled up."""

    rows: NDArray[np.int64]
    """Rows of the batch that have steps left, (R,)."""

    lengths: NDArray[np.int64]
    """Drafts of each row, (R,)."""

    window: Window
    log_uniform: NDArray[np.floating]
    """(R, K)."""

    path: Path


class Walk(NamedTuple):
    """How far the drafts of a round hold."""

    gaps: Floats
    """Means of draft and target apart, in standard deviations, (R, K, T, Da)."""

    norms: NDArray[np.floating]
    """Of the gaps, (R, K)."""

    kept: NDArray[np.bool_]
    """Drafts up to the first that fails, (R, K)."""

    n_kept: NDArray[np.int64]
    """(R,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speculation:
    """The steps of a table, made in rounds; it remembers nothing."""

    table: StepTable
    drafter: Drafter
    rule: AcceptRule
    settings: Settings
    """Arrays (N,), one number a step."""

    bonus: bool = True
    """Whether the target also evaluates the last draft, which gives one more step."""

    def sample(
        self,
        target: Target,
        draws: Draws,
        lengths: NDArray[np.int64],
        opening: Opening | None = None,
        another_fits: Callable[[], bool] = lambda: True,
    ) -> Chains:
        """Return finished chains, or chains as far as they came in time.

        Args:
            target: The denoiser under the conditions of the batch.
            draws: All randomness, one number for each step.
            lengths: Drafts in a round that starts at each step, (B, N); what would reach into the
                last step, which is always the target's own, is cut.
            opening: Guesses of the clean chunk, if there are any.
            another_fits: Asked before each round; the answer False is the end.
        """
        chains, lengths = Chains.started(draws, opening), within_reach(lengths)
        while (rows := chains.unfinished()).size and another_fits():
            current = self._draft(target, chains, draws, lengths, rows)
            estimates = self._verify(target, chains, current)
            walk = self._walk(current, estimates)
            _note(chains, current, walk)
            self._emit(chains, current, estimates, walk)
        return chains

    def _draft(
        self,
        target: Target,
        chains: Chains,
        draws: Draws,
        lengths: NDArray[np.int64],
        rows: NDArray[np.int64],
    ) -> Round:
        at = chains.step[rows]
        # A row that does not know what its drafter needs has the target asked about itself alone.
        wanted = np.where(chains.ready(self.drafter.needs)[rows], lengths[rows, at], 0)
        ahead = np.arange(wanted.max() + 1)
        # Rows near the end are filled up with the last step; their own length says what counts.
        steps = np.minimum(at[:, None] + ahead, len(self.table) - 1)
        noise, log_uniform = draws.of_steps(rows, steps)
        window = Window(
            self.table,
            target.condition[rows],
            chains.x[rows],
            steps,
            noise,
            chains.estimate[rows],
            chains.origin[rows],
            chains.answers.of_steps(rows, steps),
        )
        return Round(rows, wanted, window, log_uniform[:, :-1], self.drafter.path(window))

    def _verify(self, target: Target, chains: Chains, current: Round) -> Floats:
        """Return clean estimates (R, K + 1, T, Da) of all drafted states from one call."""
        states, steps = current.path.states, current.window.steps
        # K drafts start from K states; the bonus adds the one in which the last draft ends.
        n_asked = np.maximum(current.lengths + self.bonus, 1)
        asked = np.arange(steps.shape[1]) < n_asked[:, None]  # (R, K + 1)
        of_row = np.repeat(current.rows, n_asked)
        if asked.all():  # always so for one row; spares three masks
            levels = self.table.levels[steps].ravel()
            estimates = target(states.reshape(-1, *states.shape[2:]), levels, of_row)
            estimates = estimates.reshape(states.shape)
        else:
            estimates = np.zeros_like(states)
            estimates[asked] = target(states[asked], self.table.levels[steps[asked]], of_row)
        chains.answers.note(of_row, steps[asked], states[asked], estimates[asked])
        chains.rounds[current.rows] += 1
        chains.rows[current.rows] += n_asked
        chains.drafts[current.rows] += current.lengths
        return estimates

    def _walk(self, current: Round, estimates: Floats) -> Walk:
        inner = current.window.steps[:, :-1]
        rise = self.table.rise[inner][..., None, None]
        # What the clean estimates differ by, in standard deviations of the step: see `StepTable`.
        gaps = rise * (current.path.estimates - estimates[:, :-1])
        norms = gap_norm(gaps)
        ratio = log_ratio(current.window.noise[:, :-1], gaps, norms)
        passed = self.rule.accepts(ratio, current.log_uniform, _at(self.settings, inner))
        drafted = np.arange(inner.shape[1]) < current.lengths[:, None]
        # A draft behind one that failed started from a state that will not be emitted.
        kept = np.logical_and.accumulate(passed & drafted, axis=1)
        return Walk(gaps, norms, kept, kept.sum(axis=1))

    def _emit(self, chains: Chains, current: Round, estimates: Floats, walk: Walk) -> None:
        """Move each row over its kept drafts and, if the target was asked there, one step more."""
        each, n_kept = np.arange(len(current.rows)), walk.n_kept
        failed = n_kept < current.lengths
        # Of the first step that is not kept: the failed draft's, or that of the bonus step.
        noise = current.window.noise[each, n_kept]
        if failed.any():
            # Never 0 here: equal means make the ratio 1, which every rule accepts.
            gaps = walk.gaps[each[failed], n_kept[failed]]
            noise[failed] = reflected(noise[failed], gaps)
        x, steps = current.path.states[each, n_kept], current.window.steps[each, n_kept]
        origin = x
        if self.bonus:
            estimate = estimates[each, n_kept]
            emitted, n_steps = self.table.stepped(steps, estimate, x, noise), n_kept + 1
        else:
            # Nobody asked the target where the last draft ends, so the row goes no further.
            stays = ~failed & (current.lengths > 0)
            estimate = estimates[each, n_kept - stays]
            origin = current.path.states[each, n_kept - stays]
            stepped = self.table.stepped(steps, estimate, x, noise)
            emitted, n_steps = np.where(stays[:, None, None], x, stepped), n_kept + ~stays
        chains.move(current.rows, emitted, n_steps, estimate, origin, ~failed)


def _note(chains: Chains, current: Round, walk: Walk) -> None:
    """Write down the drafts that were tested: those kept and the first that failed."""
    ahead = np.arange(walk.kept.shape[1])
    tested = ahead <= walk.n_kept[:, None]
    tested &= ahead < current.lengths[:, None]
    of_row, at = np.nonzero(tested)
    rows, steps = current.rows[of_row], current.window.steps[of_row, at]
    chains.gaps[rows, steps] = walk.norms[of_row, at]
    chains.accepted[rows, steps] = walk.kept[of_row, at]


def _at(settings: Settings, steps: NDArray[np.int64]) -> Settings:
    return Settings(*(np.asarray(values)[steps] for values in settings))
