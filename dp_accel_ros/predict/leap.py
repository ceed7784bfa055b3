# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""How far RAGDP leaps: by a fixed share of the steps, or as far as a bound allows."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.retrieval.distance_curve import DistanceCurve
from dp_accel_ros.predict.samplers.base import Sampler, remaining_steps
from dp_accel_ros.predict.schedule import NoiseSchedule


class Leap(Protocol):
    """Decides how many steps remain after a chunk was retrieved."""

    @property
    def never(self) -> bool:
        """True when no query is ever answered by a leap, so that retrieval can be left out."""
        ...

    def remaining(
        self, sampler: Sampler, schedule: NoiseSchedule, key_distances: NDArray[np.floating]
    ) -> NDArray[np.int64]:
        """Return how many of the sampler's steps remain for each query, (B,).

        Args:
            sampler: The whole solver; all of its steps mean that it starts from noise.
            schedule: Its noise levels.
            key_distances: Of the retrieved rows, (B,).
        """
        ...


@dataclass(frozen=True, slots=True)
class FixedLeap:
    """Skips one share of the steps, whatever was retrieved."""

    ratio: float

    @property
    def never(self) -> bool:
        """True at ratio 0."""
        return self.ratio == 0.0

    def remaining(
        self, sampler: Sampler, schedule: NoiseSchedule, key_distances: NDArray[np.floating]
    ) -> NDArray[np.int64]:
        """Return the same number for each query, (B,)."""
        del schedule
        return np.full(len(key_distances), remaining_steps(self.ratio, sampler.n_steps))


@dataclass(frozen=True, slots=True)
class BoundedLeap:
    """Skips as much as keeps the law of the chunk within a tolerance of the solver's own.

    From a retrieved chunk at distance d from what the solver would give, noised to a level, the
    total variation between both laws is at most 2 Phi((alpha / sigma) d / 2) - 1.
    """

    curve: DistanceCurve
    tolerance: float
    """Largest total variation, above 0 and below 1."""

    def __post_init__(self) -> None:
        if not 0.0 < self.tolerance < 1.0:
            raise ConfigError(f"`tolerance` must be between 0 and 1, got {self.tolerance}")

    @property
    def never(self) -> bool:
        """False: it depends on the query."""
        return False

    def remaining(
        self, sampler: Sampler, schedule: NoiseSchedule, key_distances: NDArray[np.floating]
    ) -> NDArray[np.int64]:
        """Return the fewest steps within the tolerance for each query, (B,)."""
        levels = [sampler.last(n).levels[0] for n in range(sampler.n_steps, 0, -1)]
        return steps_within(schedule, levels, self.curve.at(key_distances), self.tolerance)


def steps_within(
    schedule: NoiseSchedule,
    levels: list[int],
    chunk_distances: NDArray[np.floating],
    tolerance: float,
) -> NDArray[np.int64]:
    """Return the fewest last steps whose start keeps total variation within the tolerance, (B,).

    Args:
        schedule: Noise levels.
        levels: Where the last n steps begin, for n from all of them down to 1.
        chunk_distances: Expected Euclidean distance of the retrieved chunk from the solver's, (B,).
        tolerance: Largest total variation.
    """
    ratios = schedule.alphas[levels] / schedule.sigmas[levels]  # rising: later is cleaner
    largest = 2.0 * NormalDist().inv_cdf((1.0 + tolerance) / 2.0)
    with np.errstate(divide="ignore"):
        allowed = largest / np.asarray(chunk_distances, dtype=np.float64)
    skipped = np.maximum(np.searchsorted(ratios, allowed, side="right") - 1, 0)
    return len(levels) - skipped
