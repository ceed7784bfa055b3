# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""How good a trajectory knowledge base is, by conditions of episodes that it does not hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.predict.methods.diffusion import Diffusion
from dp_accel_ros.predict.methods.redi import RediConfig, deterministic
from dp_accel_ros.predict.redi.expansion import expansion_factors
from dp_accel_ros.predict.redi.knowledge_base import KnowledgeBase, Mixture
from dp_accel_ros.predict.redi.trajectories import kept_states
from dp_accel_ros.predict.redi.weights import WEIGHTS

N_PROBES = 8
"""Queries at which the expansion factor is measured."""


@dataclass(frozen=True, slots=True)
class Queries:
    """Whole runs of the solver on conditions that the knowledge base does not hold."""

    conditions: NDArray[np.float32]
    """With nothing hidden, (B, To, C)."""

    seeds: NDArray[np.int64]
    """Which noise of the knowledge base each run starts from, (B,)."""

    states: NDArray[np.float32]
    """At the steps of the knowledge base, as the solver goes while features are hidden, (B, Q, Tp, Da)."""

    chunks: NDArray[np.float32]
    """What the whole runs give with nothing hidden, (B, Tp, Da)."""


@dataclass(frozen=True, slots=True)
class PairQuality:
    """What held-out conditions say of one key step with one value step."""

    key_step: int
    value_step: int
    nfe: int
    residual: float
    """Largest distance of a query to its mixed keys, as a share of its norm."""

    value_error: float
    """Median distance of the looked up value to the solver's own state, L2 over the chunk."""

    chunk_error: float
    """Median root mean square difference of the chunk to the solver's own, normalised."""

    chunk_error_p95: float
    expansion: float
    """Most that a small difference at the key step has grown at the value step, as a factor."""


def held_out_queries(
    base: Diffusion,
    made: KnowledgeBase,
    conditions: NDArray[np.float32],
    rng: np.random.Generator,
) -> Queries:
    """Run the solver on conditions (B, To, C), from one noise after the other."""
    solver = deterministic(base)
    seeds = np.arange(len(conditions)) % len(made.noise)
    start = made.noise[seeds]
    before = base.denoiser.given(made.key_condition(conditions))
    return Queries(
        conditions=conditions,
        seeds=seeds,
        states=kept_states(solver, before, start, made.steps),
        chunks=solver.sample(base.denoiser.given(conditions), start, rng).astype(np.float32),
    )


def largest_residual(made: KnowledgeBase, queries: Queries, key_step: int) -> float:
    """Return the largest residual with keys at a step, mixed as ReDi does by default.

    A new condition exceeds it with probability 1 / (B + 1), if it is exchangeable with these.
    """
    last = made.steps[-1]
    if key_step == last:
        return 0.0  # no value comes after it, so it is never a key
    return float(_mixed(made, queries, key_step, last).residuals.max())


def pair_quality(
    base: Diffusion,
    made: KnowledgeBase,
    queries: Queries,
    key_step: int,
    value_step: int,
    rng: np.random.Generator,
) -> PairQuality:
    """Return what a look-up at one step for another comes to, mixed as ReDi does by default."""
    solver, found = deterministic(base), _mixed(made, queries, key_step, value_step)
    after = solver.last(solver.n_steps - value_step)
    given = base.denoiser.given(queries.conditions)
    chunks = after.sample(given, found.values, rng)
    errors = np.sqrt(((chunks - queries.chunks) ** 2).mean(axis=(1, 2)))
    gaps = found.values - queries.states[:, made.steps.index(value_step)]
    return PairQuality(
        key_step,
        value_step,
        nfe=solver.first(key_step).nfe + after.nfe,
        residual=float(found.residuals.max()),
        value_error=float(np.median(np.linalg.norm(gaps.reshape(len(gaps), -1), axis=1))),
        chunk_error=float(np.median(errors)),
        chunk_error_p95=float(np.quantile(errors, 0.95)),
        expansion=_expansion(base, made, queries, key_step, value_step, rng),
    )


def _expansion(
    base: Diffusion,
    made: KnowledgeBase,
    queries: Queries,
    key_step: int,
    value_step: int,
    rng: np.random.Generator,
) -> float:
    between = deterministic(base).first(value_step).last(value_step - key_step)
    some = slice(0, N_PROBES)
    given = base.denoiser.given(made.key_condition(queries.conditions[some]))
    # Under one condition, so that it is the difference of the states alone that grows.
    keys = queries.states[some, made.steps.index(key_step)]
    factors = expansion_factors(lambda x: between.sample(given, x, rng), keys, rng)
    return float(factors.max())


def _mixed(made: KnowledgeBase, queries: Queries, key_step: int, value_step: int) -> Mixture:
    config = RediConfig()
    lookup = made.lookup(key_step, value_step, config.condition_weight)
    states = queries.states[:, made.steps.index(key_step)]
    n_neighbours = min(config.neighbours, len(made.conditions))
    weigh = WEIGHTS[config.weights]
    return lookup.mix(states, queries.conditions, queries.seeds, n_neighbours, weigh)
