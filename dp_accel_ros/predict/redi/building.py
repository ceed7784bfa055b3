# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A trajectory knowledge base from a policy and conditions of the past, and how good it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import ConfigError, UnknownNameError
from dp_accel_ros.predict.methods.diffusion import Diffusion
from dp_accel_ros.predict.methods.redi import deterministic
from dp_accel_ros.predict.redi.knowledge_base import KnowledgeBase, seen_features
from dp_accel_ros.predict.redi.partial_states import PartialStates
from dp_accel_ros.predict.redi.quality import (
    PairQuality,
    held_out_queries,
    largest_residual,
    pair_quality,
)
from dp_accel_ros.predict.redi.trajectories import nothing_known, trajectories
from dp_accel_ros.predict.retrieval.base import Index


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeRecipe:
    """What a knowledge base shall hold."""

    key_steps: tuple[int, ...] = (20, 10)
    """Steps after which a state is kept as a key; the first is the default."""

    value_steps: tuple[int, ...] = (80, 90)
    n_noises: int = 8
    """One or two can be unlucky draws, from which a policy fails however well it is looked up."""

    n_conditions: int = 1000
    n_held_out: int = 64
    """Conditions of other episodes, with which the knowledge base is measured."""

    seen: tuple[str, ...] = ()
    """Groups of features that the solver sees until the value step; empty for all."""

    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("n_noises", "n_conditions", "n_held_out"):
            if getattr(self, name) < 1:
                raise ConfigError(f"`{name}` must be at least 1, got {getattr(self, name)}")
        if not self.key_steps or not self.value_steps:
            raise ConfigError("expected at least one of `key_steps` and one of `value_steps`")
        if self.key_steps[0] >= self.value_steps[0]:
            rule = f"after the first of `key_steps`, {self.key_steps[0]}"
            raise ConfigError(
                f"the first of `value_steps` must be {rule}, got {self.value_steps[0]}"
            )

    @property
    def steps(self) -> tuple[int, ...]:
        """All steps after which a state is kept, rising."""
        return tuple(sorted({*self.key_steps, *self.value_steps}))


@dataclass(frozen=True, slots=True)
class BuiltKnowledge:
    """A knowledge base with what was measured of it."""

    knowledge: KnowledgeBase
    qualities: tuple[PairQuality, ...]


def split_rows(
    ends: NDArray[np.int64], recipe: KnowledgeRecipe, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return random rows for the knowledge base and held-out ones, of different episodes.

    Args:
        ends: Row after the last one of each episode, (E,).
        recipe: How many of each; what is there if that is less.
        rng: Draws episodes and rows.
    """
    if len(ends) < 2:
        raise ConfigError(f"expected conditions of at least 2 episodes, got {len(ends)}")
    episodes = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    share = recipe.n_held_out / (recipe.n_held_out + recipe.n_conditions)
    n_held_out = int(np.clip(round(share * len(ends)), 1, len(ends) - 1))
    # Whole episodes, because frames of one resemble each other: any look-up would seem good.
    apart = np.isin(episodes, rng.permutation(len(ends))[:n_held_out])
    return (
        _drawn(np.flatnonzero(~apart), recipe.n_conditions, rng),
        _drawn(np.flatnonzero(apart), recipe.n_held_out, rng),
    )


def build_knowledge(
    base: Diffusion,
    conditions: NDArray[np.float32],
    ends: NDArray[np.int64],
    recipe: KnowledgeRecipe,
    rng: np.random.Generator,
    *,
    groups: Mapping[str, int],
    index: Callable[[NDArray[np.float32]], Index],
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    partial: PartialStates | None = None,
) -> BuiltKnowledge:
    """Return a knowledge base with what held-out conditions say of it.

    Args:
        base: A deterministic solver from noise.
        conditions: One for each row of the retrieval store, (N, To, C).
        ends: Row after the last one of each episode, (E,).
        recipe: What is kept, and how much.
        rng: Seeded with the recipe's seed, so that a build that was cut off draws the same again.
        groups: Names and sizes of the features that belong together, in their order.
        index: What builds a search over keys.
        on_progress: Told how many trajectories are done, and of how many.
        partial: Where trajectories are kept meanwhile; those in it are not made again.
    """
    solver, seen = deterministic(base), _seen(recipe, groups)
    rows, held_out = split_rows(ends, recipe, rng)
    noise = rng.standard_normal((recipe.n_noises, *base.chunk_shape), dtype=np.float32)
    made = KnowledgeBase(
        solver=base.name,
        num_inference_steps=solver.n_steps,
        steps=recipe.steps,
        key_step=recipe.key_steps[0],
        value_step=recipe.value_steps[0],
        residuals=(0.0,) * len(recipe.steps),
        noise=noise,
        conditions=conditions[rows],
        # Half precision moves a chunk by less than a thousandth of the joints' range.
        states=np.zeros((len(noise), len(rows), len(recipe.steps), *base.chunk_shape), np.float16),
        seen=seen,
        index=index,
    )
    _fill(made, base, on_progress, partial)
    queries = held_out_queries(base, made, conditions[held_out], rng)
    residuals = tuple(largest_residual(made, queries, step) for step in made.steps)
    pairs = [(k, v) for k, v in product(recipe.key_steps, recipe.value_steps) if k < v]
    qualities = tuple(pair_quality(base, made, queries, *pair, rng) for pair in pairs)
    return BuiltKnowledge(replace(made, residuals=residuals), qualities)


def _fill(
    made: KnowledgeBase,
    base: Diffusion,
    on_progress: Callable[[int, int], None],
    partial: PartialStates | None,
) -> None:
    """Put the states of all trajectories into a knowledge base."""
    shown, done = made.key_condition(made.conditions), 0
    known = nothing_known if partial is None else partial.known
    found = trajectories(
        deterministic(base), base.denoiser, made.noise, shown, made.steps, known=known
    )
    for seed, rows, states in found:
        made.states[seed, rows] = states
        if partial is not None:
            partial.keep(seed, rows, made.states[seed, rows])
        on_progress(done := done + len(states), made.states.shape[0] * made.states.shape[1])


def _seen(recipe: KnowledgeRecipe, groups: Mapping[str, int]) -> NDArray[np.bool_]:
    for name in recipe.seen:
        if name not in groups:
            raise UnknownNameError("group of features", name, groups)
    return seen_features(recipe.seen or tuple(groups), groups)


def _drawn(rows: NDArray[np.int64], n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return np.sort(rng.permutation(rows)[:n])
