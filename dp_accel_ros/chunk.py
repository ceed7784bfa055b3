# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What the robot should do: actions with the times at which they are due, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.speculation_facts import SpeculationFacts

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class ActionChunk:
    """Joint targets, (N, Da), in the bundle's order and units; action i is due at stamp + i * dt."""

    actions: NDArray[np.float32]
    stamp_ns: int
    """Stamp of the observation that the chunk answers, in ns."""

    dt: float
    """Time between actions, in s."""

    @property
    def end_ns(self) -> int:
        """When the last action is due, in ns."""
        return self.due_ns(len(self.actions) - 1)

    def due_ns(self, index: int) -> int:
        """Return when action `index` is due, in ns."""
        return self.stamp_ns + round(index * self.dt * NS_PER_S)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A demonstration that was among the most similar ones."""

    match: tuple[int, int]
    """Episode and frame."""

    similarity: float
    """Cosine of both embeddings."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one chunk cost and how it was made; a method fills what it knows."""

    method: str
    nfe: int
    """Evaluations of the denoising network, also where several are made in one call."""

    retrieval_distance: float | None = None
    """Distance of the nearest key in the retrieval store, in the store's own metric."""

    match: tuple[int, int] | None = None
    """Episode and frame of the retrieved expert chunk."""

    leap_ratio: float | None = None
    """Share of the diffusion steps that retrieval replaced, where the method leaps."""

    candidates: tuple[Candidate, ...] = ()
    """Best frames of the most similar episodes, best first; `match` says which one was used."""

    ood: bool = False
    """True when the observation lies outside what the store covers; the caller decides what follows."""

    rejected: bool = False
    """True when what was retrieved was too far off, so that the chunk was sampled in full."""

    exactness: str = ""
    """In words: how the law of this chunk relates to that of the base sampler."""

    speculation: SpeculationFacts | None = None
    """What was drafted, verified and accepted, where the method speculates."""

    stage_s: Mapping[str, float] = field(default_factory=dict)
    """Seconds spent per stage, where the caller gave a clock."""
