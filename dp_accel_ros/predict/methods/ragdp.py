# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""RAGDP: leap over the noisy part of the diffusion by starting from a retrieved expert chunk."""

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
from dp_accel_ros.predict.methods.diffusion import STEPS_HELP, Diffusion
from dp_accel_ros.predict.retrieval.base import Neighbours
from dp_accel_ros.predict.retrieval.store import RetrievalStore
from dp_accel_ros.predict.samplers import Sampler
from dp_accel_ros.predict.samplers.base import remaining_steps
from dp_accel_ros.predict.stages import StageTimes


@dataclass(frozen=True, slots=True, kw_only=True)
class RagdpConfig:
    """Parameters of RAGDP."""

    leap_ratio: float = param(
        0.9,
        "Fraction of the diffusion steps that retrieval replaces (r). 0 is the solver from noise.",
        minimum=0.0,
        maximum=0.99,
        live=True,
    )
    neighbours: int = param(
        1,
        "Draw the chunk from this many nearest ones. 1 is deterministic but keeps one mode only "
        "where the demonstrations have several.",
        minimum=1,
        maximum=1000,
        live=True,
    )
    solver: str = param(
        "ddpm",
        "Sampler that makes the remaining steps.",
        one_of=("ddpm", "ddim", "dpmpp_2m"),
        live=True,
    )
    num_inference_steps: int = param(100, STEPS_HELP, minimum=1, maximum=1000, live=True)

    def __post_init__(self) -> None:
        config.check(self)


@dataclass(frozen=True, slots=True)
class Ragdp:
    """Noises a retrieved chunk to the level of the first remaining step and samples from there."""

    base: Diffusion
    """The solver from noise; it alone acts when the leap ratio is 0."""

    store: RetrievalStore
    leap_ratio: float
    neighbours: int

    def __post_init__(self) -> None:
        if self.neighbours > len(self.store):
            rule = f"at most {len(self.store)}, the rows of the store"
            raise ConfigError(f"`neighbours` must be {rule}, got {self.neighbours}")

    @property
    def name(self) -> str:
        """Name under which it is listed in `METHODS`."""
        return "ragdp"

    @property
    def encoder(self) -> EncoderName:
        """The condition holds the policy encoder's features, (B, To, C)."""
        return "policy"

    @property
    def sampler(self) -> Sampler:
        """The solver's remaining steps."""
        return self.base.sampler.last(remaining_steps(self.leap_ratio, self.base.sampler.n_steps))

    def act(
        self,
        condition: NDArray[np.float32],
        rng: np.random.Generator,
        previous: Sequence[Previous | None],
        times: StageTimes,
    ) -> Proposal:
        """Return one chunk for each row of the condition (B, To, C)."""
        if self.leap_ratio == 0.0:
            # The solver's own path from noise, so that a seed gives the same chunk bit for bit.
            return self.base.act(condition, rng, previous, times)
        with times.stage("retrieve"):
            keys = condition.reshape(len(condition), -1)
            found = self.store.policy_index.search(keys, self.neighbours)
            rows = self._drawn(found, rng)
            retrieved = self.store.chunks(rows)
        with times.stage("sample"):
            sampler = self.sampler
            eps = rng.standard_normal(retrieved.shape, dtype=np.float32)
            start = self.base.denoiser.schedule.noised(retrieved, sampler.levels[0], eps)
            actions = sampler.sample(self.base.denoiser.given(condition), start, rng)
        pairs = zip(found.distances[:, 0].tolist(), rows.tolist(), strict=True)
        return Proposal(actions, tuple(self._cost(sampler, *pair) for pair in pairs))

    def _drawn(self, found: Neighbours, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return one row for each query, (B,); with one neighbour `rng` is left alone."""
        if self.neighbours == 1:
            return found.rows[:, 0]
        picks = rng.integers(self.neighbours, size=len(found.rows))
        return found.rows[np.arange(len(picks)), picks]

    def _cost(self, sampler: Sampler, distance: float, row: int) -> Cost:
        words = (
            f"approximate: {self.base.name} from a retrieved chunk at level {sampler.levels[0]}"
        )
        match = self.store.match(row)
        return Cost(self.name, sampler.nfe, distance, match, exactness=words)
