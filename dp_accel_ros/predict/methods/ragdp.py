# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""RAGDP: leap over the noisy part of the diffusion by starting from a retrieved expert chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros import config
from dp_accel_ros.chunk import Cost
from dp_accel_ros.config import param
from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.methods.base import EncoderName, Previous, Proposal
from dp_accel_ros.predict.methods.diffusion import Diffusion
from dp_accel_ros.predict.methods.leap import LeapBound
from dp_accel_ros.predict.retrieval.base import Neighbours
from dp_accel_ros.predict.retrieval.store import RetrievalStore
from dp_accel_ros.predict.samplers import SAMPLERS
from dp_accel_ros.predict.samplers.base import Sampler, remaining_steps
from dp_accel_ros.predict.sampling import sampled
from dp_accel_ros.predict.schedule import Floats
from dp_accel_ros.predict.stages import StageTimes

USUAL_STEPS = 0
"""As many steps as the solver can make."""


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
    leap_mode: str = param(
        "fixed",
        "`fixed` leaps by `leap_ratio`. `auto` leaps for each observation as far as keeps the law "
        "of the chunk within `leap_tolerance` of the solver's own, by the distance of the "
        "retrieved key; it needs a calibrated bundle.",
        one_of=("fixed", "auto"),
        live=True,
    )
    leap_tolerance: float = param(
        0.5,
        "With `leap_mode` auto: largest total variation between the chunk's law and the solver's, "
        "by a bound that mostly is far from tight.",
        minimum=0.001,
        maximum=0.999,
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
        "Sampler that makes the remaining steps. `heun` and `consistency` need a bundle with an EDM "
        "teacher or a consistency student (RAGDP-VE).",
        one_of=tuple(SAMPLERS),
        live=True,
    )
    num_inference_steps: int = param(
        USUAL_STEPS,
        "Steps of the solver before the leap. 0 is 20 for `ddpm`, `ddim` and `dpmpp_2m`, one for "
        "each noise level for `heun` and one jump for `consistency`; the paper has 100 of `ddpm`.",
        minimum=0,
        maximum=1000,
        live=True,
    )

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
    bound: LeapBound | None = None
    """Decides how far each observation leaps, in place of `leap_ratio`."""

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

    def act(
        self,
        condition: NDArray[np.float32],
        rng: np.random.Generator,
        previous: Sequence[Previous | None],
        times: StageTimes,
    ) -> Proposal:
        """Return one chunk for each row of the condition (B, To, C)."""
        if self.leap_ratio == 0.0 and self.bound is None:
            # The solver's own path from noise, so that a seed gives the same chunk bit for bit.
            base = self.base.act(condition, rng, previous, times)
            return replace(base, costs=tuple(replace(c, leap_ratio=0.0) for c in base.costs))
        with times.stage("retrieve"):
            found = self.store.nearest(condition, self.neighbours)
            rows, distances = self._drawn(found, rng)
            retrieved = self.store.chunks(rows)
            remaining = self._remaining(distances)
        with times.stage("sample"):
            actions = np.empty_like(retrieved)
            # Rows that leap equally far share every network call.
            for n in np.unique(remaining).tolist():
                of = np.flatnonzero(remaining == n)
                actions[of] = self._sampled(n, condition[of], retrieved[of], rng)
        # Many rows leap equally far, and a sampler checks its levels when it is made.
        samplers = {n: self.base.sampler.last(n) for n in np.unique(remaining).tolist()}
        facts = zip(remaining.tolist(), found.distances[:, 0].tolist(), rows.tolist(), strict=True)
        return Proposal(actions, tuple(self._cost(samplers[n], n, *rest) for n, *rest in facts))

    def _drawn(
        self, found: Neighbours, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return one row for each query and its distance, (B,); one neighbour leaves `rng` alone."""
        if self.neighbours == 1:
            return found.rows[:, 0], found.distances[:, 0]
        picks = rng.integers(self.neighbours, size=len(found.rows))
        each = np.arange(len(picks))
        return found.rows[each, picks], found.distances[each, picks]

    def _remaining(self, key_distances: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return how many steps remain for each row, (B,)."""
        sampler = self.base.sampler
        if self.bound is not None:
            return self.bound.remaining(sampler, self.base.denoiser.schedule, key_distances)
        return np.full(len(key_distances), remaining_steps(self.leap_ratio, sampler.n_steps))

    def _sampled(
        self, n: int, condition: Floats, retrieved: Floats, rng: np.random.Generator
    ) -> Floats:
        """Return chunks, (B, Tp, Da), of the last `n` steps; all of them start from noise."""
        if n == self.base.sampler.n_steps:
            return self.base.act(condition, rng, [None] * len(condition), StageTimes()).actions
        sampler = self.base.sampler.last(n)
        eps = rng.standard_normal(retrieved.shape, dtype=np.float32)
        # The level that the first remaining step expects: one off, and the network would be told
        # of more or less noise than there is.
        start = self.base.denoiser.schedule.noised(retrieved, sampler.levels[0], eps)
        return sampled(self.base.denoiser, sampler, condition, start, rng)

    def _cost(self, sampler: Sampler, n: int, distance: float, row: int) -> Cost:
        n_steps = self.base.sampler.n_steps
        if n == n_steps:
            nfe, words = self.base.sampler.nfe, self.base.exactness
            return Cost(self.name, nfe, distance, leap_ratio=0.0, exactness=words)
        words = (
            f"approximate: {self.base.name} from a retrieved chunk at level {sampler.levels[0]}"
        )
        match, ratio = self.store.match(row), 1.0 - n / n_steps
        return Cost(self.name, sampler.nfe, distance, match, leap_ratio=ratio, exactness=words)
