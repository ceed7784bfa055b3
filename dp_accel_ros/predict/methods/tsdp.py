# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""TS-DP: the base sampler's chunk in a tenth of its serial network calls, by speculation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros import config
from dp_accel_ros.chunk import Cost
from dp_accel_ros.config import param
from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.methods.base import EncoderName, Previous, Proposal
from dp_accel_ros.predict.methods.diffusion import STEPS_HELP, Diffusion
from dp_accel_ros.predict.retrieval.store import RetrievalStore
from dp_accel_ros.predict.schedule import CLEAN
from dp_accel_ros.predict.speculation.batch_costs import BatchCosts
from dp_accel_ros.predict.speculation.closed_form import PRIOR, best_lengths
from dp_accel_ros.predict.speculation.drafters import DRAFTERS, Drafter, Opening
from dp_accel_ros.predict.speculation.draws import Draws
from dp_accel_ros.predict.speculation.facts import facts_of
from dp_accel_ros.predict.speculation.plan import DraftPlan, within_reach
from dp_accel_ros.predict.speculation.rounds import Speculation
from dp_accel_ros.predict.speculation.rules import RULES, AcceptRule
from dp_accel_ros.predict.speculation.step_table import StepTable, step_table
from dp_accel_ros.predict.speculation.target import Target
from dp_accel_ros.predict.speculation.time_limit import TimeLimit, final_levels, finish
from dp_accel_ros.predict.stages import StageTimes
from dp_accel_ros.speculation_facts import SpeculationFacts

MS_PER_S = 1e3

CPU_ROW_COST = 0.45
"""Measured with the eight-layer transformer of width 256 on two cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TsdpConfig:
    """Parameters of TS-DP."""

    drafter: str = param(
        "filtered",
        "What drafts. `frozen` repeats the newest clean estimate, `frozen_fresh` asks for a new "
        "one after a rejection; `retrieved` and `previous` are `frozen` opened with the expert "
        "chunk of the nearest key, or with the previous chunk; `recalled` is opened like "
        "`retrieved` and then uses what the network said of each step in earlier rounds. "
        "`filtered` moves that by what the noise changed since, as a Kalman filter would, as far "
        "as demonstrations differ where observations are alike. "
        "`distilled` asks the bundle's small network; `corrected` moves what `recalled` would use "
        "by a share of how that network's answer changed.",
        one_of=tuple(DRAFTERS),
        live=True,
    )
    accept: str = param(
        "exact",
        "Which drafts stay. `exact` keeps the base sampler's law, `tempered` trades a known bias "
        "for speed, `threshold` is the TS-DP paper's rule, which distorts the law.",
        one_of=tuple(RULES),
        live=True,
    )
    draft_length: int = param(
        40,
        "Drafts in a round (K); with `lengths` closed_form, the most.",
        minimum=0,
        maximum=200,
        live=True,
    )
    lengths: str = param(
        "closed_form",
        "Where draft lengths come from: `fixed` is `draft_length`, `closed_form` weighs the "
        "acceptance measured so far against what a batch costs.",
        one_of=("fixed", "closed_form"),
        live=True,
    )
    row_cost: float = param(
        -1.0,
        "For `closed_form`, cost of one more state in a network call, as a fraction of a call with "
        "one state: about 0.45 on two CPU cores, near 0 on a GPU. -1 takes what was measured while "
        "loading, or 0.45 where nothing was.",
        minimum=-1.0,
        maximum=1.0,
        live=True,
    )
    sigma_scale: float = param(
        1.0,
        "Factor on the standard deviation in the test of `tempered` and `threshold`. Larger "
        "accepts more and is more biased.",
        minimum=1.0,
        maximum=10.0,
        live=True,
    )
    threshold: float = param(
        0.9,
        "Least density ratio that `threshold` accepts (lambda).",
        minimum=1e-6,
        maximum=1.0,
        live=True,
    )
    bonus: bool = param(
        True,
        "Whether the last draft of a round is evaluated too, which gives one more step.",
        live=True,
    )
    guard: int = param(
        8,
        "Last diffusion steps that are never drafted; at least 1. Drafts fail most there.",
        minimum=1,
        maximum=1000,
        live=True,
    )
    time_limit_ms: float = param(
        0.0,
        "Longest that a chunk may take, from its observation to its actions. Steps for which there "
        "is no time become two of DDIM, which `exactness` then says. 0 sets no limit.",
        minimum=0.0,
        maximum=60_000.0,
        live=True,
    )
    plan: str = param(
        "",
        "Three stages of `draft_length`:`sigma_scale`:`threshold`, the noisiest first, in place of "
        "those parameters, as in `10:1:0.9,25:1:0.9,5:1.5:0.9`; a chunk scheduler gives one.",
        live=True,
    )
    num_inference_steps: int = param(100, STEPS_HELP, minimum=1, maximum=1000, live=True)

    def __post_init__(self) -> None:
        config.check(self)
        _ = self.draft_plan

    @property
    def draft_plan(self) -> DraftPlan:
        """What every stage does."""
        if self.plan:
            return DraftPlan.parsed(self.plan)
        return DraftPlan.uniform(self.draft_length, self.sigma_scale, self.threshold)

    def batch_costs(self, measured: BatchCosts | None) -> BatchCosts | None:
        """Return what to choose draft lengths by, or None where they are fixed."""
        if self.lengths == "fixed":
            return None
        if self.row_cost >= 0.0:
            return BatchCosts.linear(self.row_cost)
        return measured or BatchCosts.linear(CPU_ROW_COST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tsdp:
    """Draws from the base sampler's law, most steps drafted and verified many at a time."""

    base: Diffusion
    """The base sampler whose steps are made."""

    store: RetrievalStore
    drafter: Drafter
    rule: AcceptRule
    plan: DraftPlan
    costs: BatchCosts | None
    """What a batch costs, to choose draft lengths in closed form; None takes them from the plan."""

    bonus: bool
    guard: int
    time_limit_s: float = 0.0
    """From the first stage of a prediction on; 0 is none, as without a clock."""

    @classmethod
    def configured(
        cls,
        base: Diffusion,
        store: RetrievalStore,
        config: TsdpConfig,
        measured: BatchCosts | None = None,
        small: Denoiser | None = None,
    ) -> Tsdp:
        """Return the method that a config describes, on a device whose costs were measured.

        `small` is the network of the drafters in `NETWORK_DRAFTERS`; the others do without.
        """
        return cls(
            base=base,
            store=store,
            drafter=DRAFTERS[config.drafter](store, small),
            rule=RULES[config.accept],
            plan=config.draft_plan,
            costs=config.batch_costs(measured),
            bonus=config.bonus,
            guard=config.guard,
            time_limit_s=config.time_limit_ms / MS_PER_S,
        )

    @property
    def name(self) -> str:
        """Name under which it is listed in `METHODS`."""
        return "tsdp"

    @property
    def encoder(self) -> EncoderName:
        """The condition holds the policy encoder's features, (B, To, C)."""
        return "policy"

    @property
    def table(self) -> StepTable:
        """The base sampler's steps."""
        return step_table(self.base.denoiser.schedule, self.base.sampler.levels)

    def following(self, plan: DraftPlan) -> Tsdp:
        """Return the method under another plan; a chunk scheduler may give one for each chunk."""
        return replace(self, plan=plan)

    def act(
        self,
        condition: NDArray[np.float32],
        rng: np.random.Generator,
        previous: Sequence[Previous | None],
        times: StageTimes,
    ) -> Proposal:
        """Return one chunk for each row of the condition (B, To, C)."""
        table, rows = self.table, range(len(condition))
        with times.stage("retrieve"):
            opening = self.drafter.opening(condition, previous)
        with times.stage("sample"):
            outlooks = [_outlook(p, len(table)) for p in previous]
            # The guard cuts what the closed form wants, too.
            lengths = within_reach(self._lengths(outlooks), self.guard)
            draws = Draws.drawn(rng, len(condition), len(table), self.base.chunk_shape)
            limit = TimeLimit(lambda: times.elapsed_s, self.time_limit_s)
            target = Target(self.base.denoiser, condition)
            chains = self._speculation.sample(target, draws, lengths, opening, limit.another_fits)
            left = finish(chains, table, self.base.denoiser, condition, rng)
        facts = [
            facts_of(chains, row, self._speculation, lengths[row], outlooks[row]) for row in rows
        ]
        matches = [_match(self.store, opening, row) for row in rows]
        costs = (self._cost(*each) for each in zip(facts, matches, left.tolist(), strict=True))
        return Proposal(chains.x, tuple(costs))

    @property
    def _speculation(self) -> Speculation:
        table = self.table
        return Speculation(
            table=table,
            drafter=self.drafter,
            rule=self.rule,
            settings=self.plan.settings(table.levels, len(self.base.denoiser.schedule)),
            bonus=self.bonus,
        )

    def _lengths(self, outlooks: Sequence[NDArray[np.float64]]) -> NDArray[np.int64]:
        """Return the draft length at every step, (B, N)."""
        planned = self.plan.lengths(self.table.levels, len(self.base.denoiser.schedule))
        planned = np.tile(planned, (len(outlooks), 1))
        longest = int(planned.max())
        if self.costs is None or longest == 0:
            return planned
        best = best_lengths(np.array(outlooks), self.costs, longest, bonus=self.bonus)
        # The plan is the most that is allowed, the closed form what pays.
        return np.minimum(planned, best)

    def _cost(self, facts: SpeculationFacts, match: _Match, left: int) -> Cost:
        words = self.rule.exactness(self._speculation.settings, facts.bias_budget)
        if left != CLEAN:
            n_final = len(final_levels(left))
            words = f"approximate: out of time at level {left}, {n_final} steps of ddim from there"
            # What DDIM does to the law has no bound but the one that every variation has.
            facts = replace(facts, bias_budget=max(facts.bias_budget, 1.0))
        n_steps, n_levels = self.base.sampler.nfe, len(self.base.denoiser.schedule)
        if n_steps != n_levels:
            words = f"{words}, with {n_steps} of {n_levels} steps"
        distance, row = match
        return Cost(self.name, facts.rows, distance, row, exactness=words, speculation=facts)


_Match = tuple[float | None, tuple[int, int] | None]
"""Distance, and episode and frame, of a retrieved chunk."""


def _match(store: RetrievalStore, opening: Opening | None, row: int) -> _Match:
    if opening is None or opening.distance is None or opening.rows is None:
        return None, None
    return float(opening.distance[row]), store.match(int(opening.rows[row]))


def _outlook(previous: Previous | None, n_steps: int) -> NDArray[np.float64]:
    """Return the acceptance expected at each step, (N,), from the previous chunk if it has one."""
    facts = None if previous is None else previous.speculation
    if facts is None or len(facts.outlook) != n_steps:
        return np.full(n_steps, PRIOR)
    return facts.outlook
