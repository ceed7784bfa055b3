# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The trajectory knowledge base of ReDi: where the solver went under conditions of the past.

    noise[m] ── solver under condition s ──► state at step k ──► state at step v ──► chunk
      (M)                (S)                  part of the key       the value

Every trajectory of one noise starts at the same point, and so must a query: from another noise the
nearest key says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.bundle import KnowledgeArrays
from dp_accel_ros.errors import ConfigError
from dp_accel_ros.manifest.knowledge import Knowledge
from dp_accel_ros.predict.redi.weights import Weigh
from dp_accel_ros.predict.retrieval.base import Index


class Mixture(NamedTuple):
    """What was looked up for a batch of queries."""

    values: NDArray[np.float32]
    """Neighbours' states at the value step, mixed by their weights, (B, Tp, Da)."""

    distances: NDArray[np.float32]
    """Distance of the nearest key, (B,)."""

    residuals: NDArray[np.float64]
    """Distance of the query to the keys mixed by the same weights, as a share of its norm, (B,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeBase:
    """Trajectories from M noises under S conditions. Safe to share between threads."""

    solver: str
    """Name of the sampler that made the trajectories; only that one can take them up again."""

    num_inference_steps: int
    steps: tuple[int, ...]
    """After how many steps states were kept, rising, (Q,)."""

    key_step: int
    """The step of the keys where nobody chooses another."""

    value_step: int

    residuals: tuple[float, ...]
    """For each of `steps` as the key step, the largest residual of held-out conditions, (Q,)."""

    noise: NDArray[np.float32]
    """Where trajectories start, (M, Tp, Da)."""

    conditions: NDArray[np.float32]
    """What trajectories were made under, (S, To, C), with nothing hidden."""

    states: NDArray[np.floating]
    """States of the trajectories, (M, S, Q, Tp, Da)."""

    seen: NDArray[np.bool_]
    """True for the features that the solver sees until the value step, (C,)."""

    index: Callable[[NDArray[np.float32]], Index]
    """What builds a search over keys."""

    @classmethod
    def build(
        cls,
        facts: Knowledge,
        arrays: KnowledgeArrays,
        *,
        groups: Mapping[str, int],
        index: Callable[[NDArray[np.float32]], Index],
    ) -> KnowledgeBase:
        """Return the knowledge base of a bundle, whose features form `groups`, names to sizes."""
        seen = seen_features(facts.seen, groups)
        return cls(
            solver=facts.solver,
            num_inference_steps=facts.num_inference_steps,
            steps=tuple(facts.steps),
            key_step=facts.key_step,
            value_step=facts.value_step,
            residuals=tuple(facts.residuals),
            noise=arrays.noise,
            conditions=arrays.conditions.reshape(len(arrays.conditions), -1, len(seen)),
            states=arrays.states,
            seen=seen,
            index=index,
        )

    @property
    def partial(self) -> bool:
        """True when some of the condition is hidden until the value step."""
        return not bool(self.seen.all())

    def key_condition(self, condition: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return conditions (B, To, C) as the solver sees them until the value step.

        A hidden feature has its mean over the knowledge base, which says nothing and yet is a value
        that the network knows.
        """
        return shown(condition, self.seen, self.conditions)

    def residual(self, key_step: int) -> float:
        """Return the largest residual that held-out conditions had with keys at a step."""
        return self.residuals[self._position("key_step", key_step)]

    def lookup(self, key_step: int, value_step: int, condition_weight: float) -> Lookup:
        """Return the search from states at one step to those at a later one.

        Args:
            key_step: One of `steps`.
            value_step: One of `steps`, later.
            condition_weight: Factor on the seen features, which are then part of the key (lambda).
        """
        key_at = self._position("key_step", key_step)
        value_at = self._position("value_step", value_step)
        if key_at >= value_at:
            rule = f"after `key_step` {key_step}"
            raise ConfigError(f"`value_step` must be {rule}, got {value_step}")
        n_seeds, n_rows = self.states.shape[:2]
        # Half precision is enough to keep a state and too coarse to sum squares in.
        states = self.states[:, :, key_at].reshape(n_seeds, n_rows, -1).astype(np.float32)
        about = _weighted(self.conditions, self.seen, condition_weight)
        keys = np.concatenate([states, np.broadcast_to(about, (n_seeds, *about.shape))], axis=2)
        return Lookup(
            keys=keys,
            values=self.states[:, :, value_at],
            indexes=tuple(self.index(of_seed) for of_seed in keys),
            condition_weight=condition_weight,
            seen=self.seen,
        )

    def _position(self, name: str, step: int) -> int:
        if step not in self.steps:
            kept = ", ".join(map(str, self.steps))
            raise ConfigError(
                f"`{name}` must be one of {kept}, the steps of the knowledge base, got {step}"
            )
        return self.steps.index(step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """From a state at the key step and its condition to one at the value step."""

    keys: NDArray[np.float32]
    """States at the key step and weighted conditions, flattened, (M, S, K)."""

    values: NDArray[np.floating]
    """States at the value step, (M, S, Tp, Da)."""

    indexes: tuple[Index, ...]
    """One search for each noise."""

    condition_weight: float
    seen: NDArray[np.bool_]

    def mix(
        self,
        states: NDArray[np.floating],
        condition: NDArray[np.float32],
        seeds: NDArray[np.int64],
        n_neighbours: int,
        weigh: Weigh,
    ) -> Mixture:
        """Return the neighbours' values in the mixture of keys that comes nearest to each query.

        Args:
            states: At the key step, (B, Tp, Da).
            condition: (B, To, C).
            seeds: Which noise each state came from, (B,).
            n_neighbours: Nearest keys that are mixed.
            weigh: From queries and keys to weights.
        """
        about = _weighted(condition, self.seen, self.condition_weight)
        queries = np.concatenate([states.reshape(len(states), -1), about], axis=1)  # (B, K)
        rows = np.empty((len(queries), n_neighbours), dtype=np.int64)
        nearest = np.empty(len(queries), dtype=np.float32)
        for seed in np.unique(seeds).tolist():
            mine = seeds == seed
            found = self.indexes[seed].search(queries[mine], n_neighbours)
            rows[mine], nearest[mine] = found.rows, found.distances[:, 0]
        keys = self.keys[seeds[:, None], rows]  # (B, H, K)
        weights = weigh(queries, keys)  # (B, H)
        gaps = queries - np.einsum("bh,bhk->bk", weights, keys)
        residuals = np.linalg.norm(gaps, axis=1) / np.linalg.norm(queries, axis=1)
        values = np.einsum("bh,bhtd->btd", weights, self.values[seeds[:, None], rows])
        return Mixture(values.astype(np.float32), nearest, residuals)


def seen_features(names: Collection[str], groups: Mapping[str, int]) -> NDArray[np.bool_]:
    """Return which features (C,) are in the named ones of all groups, names to sizes."""
    return np.concatenate([np.full(size, name in names) for name, size in groups.items()])


def shown(
    condition: NDArray[np.float32], seen: NDArray[np.bool_], all_conditions: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return conditions (B, To, C) in which what is not seen (C,) is the mean of all conditions."""
    if seen.all():
        return condition
    return np.where(seen, condition, all_conditions.mean(axis=0, dtype=np.float32))


def _weighted(
    condition: NDArray[np.float32], seen: NDArray[np.bool_], weight: float
) -> NDArray[np.float32]:
    """Return the part of a key that the condition (B, To, C) makes, (B, To * seen)."""
    if weight == 0.0:
        return np.empty((len(condition), 0), dtype=np.float32)
    return np.float32(weight) * condition[..., seen].reshape(len(condition), -1)
