# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""ReDi: look up the middle of the diffusion in trajectories of the past.

noise of the knowledge base ── k steps ──► key ── neighbours ──► value ── N - v steps ──► chunk
                                            └── all too far ── N - k steps ───────────► chunk
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros import config
from dp_accel_ros.chunk import Cost
from dp_accel_ros.config import param
from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.methods.base import EncoderName, Previous, Proposal
from dp_accel_ros.predict.methods.diffusion import Diffusion
from dp_accel_ros.predict.redi.knowledge_base import KnowledgeBase, Lookup, Mixture
from dp_accel_ros.predict.redi.weights import WEIGHTS, Weigh
from dp_accel_ros.predict.samplers import Ddim, DpmPp2M, Heun
from dp_accel_ros.predict.samplers.base import Deterministic
from dp_accel_ros.predict.sampling import sampled
from dp_accel_ros.predict.schedule import Floats
from dp_accel_ros.predict.stages import StageTimes

BUNDLE_STEP = 0
"""No key and no value is at step 0, so this stands for the step that came with the bundle."""

BUNDLE_RESIDUAL = -1.0
"""No distance is negative, so this stands for the threshold that came with the bundle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RediConfig:
    """Parameters of ReDi."""

    key_step: int = param(
        BUNDLE_STEP,
        "Steps of the solver before the look-up (k), one of those kept in the bundle's knowledge "
        "base. 0 takes the bundle's first choice.",
        minimum=0,
        maximum=1000,
        live=True,
    )
    value_step: int = param(
        BUNDLE_STEP,
        "Steps of the solver that are done after the look-up (v), one of those kept; N - v remain. "
        "0 takes the bundle's first choice.",
        minimum=0,
        maximum=1000,
        live=True,
    )
    neighbours: int = param(
        16, "Nearest trajectories that are mixed (H).", minimum=1, maximum=64, live=True
    )
    weights: str = param(
        "affine",
        "How they are mixed: `nn` takes the nearest, `ls` fits the key by any weights, `affine` by "
        "weights of sum 1, `simplex` by weights of sum 1 that are not negative.",
        one_of=tuple(WEIGHTS),
        live=True,
    )
    condition_weight: float = param(
        0.1,
        "Factor on the condition's features, which are then part of the key (lambda). 0 compares "
        "states alone, in which the condition shows in so far as it matters for the chunk.",
        minimum=0.0,
        maximum=1000.0,
        live=True,
    )
    reject_above: float = param(
        BUNDLE_RESIDUAL,
        "Distance of the query to the mixed keys, as a share of its own norm, above which the "
        "chunk is sampled in full instead (eta). -1 takes the largest that held-out conditions had "
        "when the knowledge base was made, with the other parameters at their defaults.",
        minimum=-1.0,
        maximum=1000.0,
        live=True,
    )

    def __post_init__(self) -> None:
        config.check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redi:
    """Skips the steps between key and value of a deterministic solver."""

    base: Diffusion
    """The solver from noise; it alone acts where the knowledge base is rejected."""

    solver: Deterministic
    """The sampler of `base`."""

    knowledge: KnowledgeBase
    lookup: Lookup
    key_step: int
    value_step: int
    neighbours: int
    weigh: Weigh
    reject_above: float

    @classmethod
    def configured(cls, base: Diffusion, knowledge: KnowledgeBase, config: RediConfig) -> Redi:
        """Return the method that a config describes; `base` has the knowledge base's solver."""
        n_rows = len(knowledge.conditions)
        if config.neighbours > n_rows:
            rule = f"at most {n_rows}, the conditions of the knowledge base"
            raise ConfigError(f"`neighbours` must be {rule}, got {config.neighbours}")
        key_step = config.key_step or knowledge.key_step
        value_step = config.value_step or knowledge.value_step
        calibrated = config.reject_above == BUNDLE_RESIDUAL
        residual = knowledge.residual(key_step) if calibrated else config.reject_above
        return cls(
            base=base,
            solver=deterministic(base),
            knowledge=knowledge,
            lookup=knowledge.lookup(key_step, value_step, config.condition_weight),
            key_step=key_step,
            value_step=value_step,
            neighbours=config.neighbours,
            weigh=WEIGHTS[config.weights],
            reject_above=residual,
        )

    @property
    def name(self) -> str:
        """Name under which it is listed in `METHODS`."""
        return "redi"

    @property
    def encoder(self) -> EncoderName:
        """The condition holds the policy encoder's features, (B, To, C)."""
        return "policy"

    def act(
        self,
        condition: NDArray[np.float32],
        rng: np.random.Generator,
        previous: Sequence[Previous | None],
        times: StageTimes,
    ) -> Proposal:
        """Return one chunk for each row of the condition (B, To, C)."""
        del previous  # every chunk is drawn afresh
        seeds = self._seeds(len(condition), rng)
        start = self.knowledge.noise[seeds]
        with times.stage("sample"):
            denoiser, before = self.base.denoiser, condition
            # Hidden features cost a second conditioning, so the whole condition is used twice.
            if self.knowledge.partial:
                before = self.knowledge.key_condition(condition)
            reached = sampled(denoiser, self.solver.first(self.key_step), before, start, rng)
        with times.stage("retrieve"):
            found = self.lookup.mix(reached, condition, seeds, self.neighbours, self.weigh)
            # Not `>`, so that a residual that is NaN is rejected too.
            rejected = ~(found.residuals <= self.reject_above)
        with times.stage("sample"):
            actions = np.empty_like(start)
            skipping = (self._after_value, found.values)
            for chosen, (sampler, x) in (
                (~rejected, skipping),
                (rejected, self._in_full(start, reached)),
            ):
                if chosen.any():
                    rows = (condition[chosen], x[chosen])
                    actions[chosen] = sampled(denoiser, sampler, *rows, rng)
        costs = (self._cost(found, row, bool(rejected[row])) for row in range(len(rejected)))
        return Proposal(actions, tuple(costs))

    @property
    def _after_value(self) -> Deterministic:
        """The steps that remain after the look-up."""
        return self.solver.last(self.solver.n_steps - self.value_step)

    @property
    def _starts_over(self) -> bool:
        """True where the key's own steps cannot be part of a trajectory sampled in full."""
        return self.knowledge.partial or self.solver.multistep

    def _in_full(self, start: Floats, reached: Floats) -> tuple[Deterministic, Floats]:
        """Return what samples in full, and from where."""
        if self._starts_over:
            return self.solver, start
        return self.solver.last(self.solver.n_steps - self.key_step), reached

    def _seeds(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return which noise each row starts from, (n,); with one noise `rng` is left alone."""
        n_seeds = len(self.knowledge.noise)
        if n_seeds == 1:
            return np.zeros(n, dtype=np.int64)
        return rng.integers(n_seeds, size=n)

    def _cost(self, found: Mixture, row: int, rejected: bool) -> Cost:
        first = self.solver.first(self.key_step).nfe
        noises = f"from one of {len(self.knowledge.noise)} noises"
        words = f"approximate: {self.base.name}, steps {self.key_step} to {self.value_step} of"
        words = f"{words} {self.solver.n_steps} looked up, {noises}"
        nfe = first + self._after_value.nfe
        if rejected:
            words = f"rejected the look-up: {self.base.exactness}, {noises}"
            nfe = self.solver.nfe + (first if self._starts_over else 0)
        distance = float(found.distances[row])
        return Cost(self.name, nfe, distance, exactness=words, rejected=rejected)


def deterministic(base: Diffusion) -> Deterministic:
    """Return the sampler of a base that draws nothing but its start."""
    if not isinstance(base.sampler, Ddim | DpmPp2M | Heun):
        raise ConfigError(f"ReDi needs a deterministic solver, got {base.name!r}")
    return base.sampler
