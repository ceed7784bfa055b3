# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""How far a retrieved chunk may leap when its law must stay near the solver's own.

From a retrieved chunk at distance d from what the solver would give, noised to a level, the total
variation between the law of what comes out and that of the solver is at most
2 Phi((alpha / sigma) d / 2) - 1: the two laws at that level are Gaussians that far apart, and the
steps that follow are the same for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.retrieval.distance_curve import DistanceCurve
from dp_accel_ros.predict.samplers.base import Sampler
from dp_accel_ros.predict.schedule import NoiseSchedule


@dataclass(frozen=True, slots=True)
class LeapBound:
    """Leaps as far as keeps the bound within a tolerance, by the distance of the retrieved key."""

    curve: DistanceCurve
    tolerance: float
    """Largest total variation, above 0 and below 1."""

    def __post_init__(self) -> None:
        if not 0.0 < self.tolerance < 1.0:
            raise ConfigError(f"`tolerance` must be between 0 and 1, got {self.tolerance}")

    def remaining(
        self, sampler: Sampler, schedule: NoiseSchedule, key_distances: NDArray[np.floating]
    ) -> NDArray[np.int64]:
        """Return how many of the sampler's steps remain for each query, (B,); all is no leap.

        Args:
            sampler: The whole solver.
            schedule: Its noise levels.
            key_distances: Of the retrieved rows, (B,).
        """
        levels = [sampler.last(n).levels[0] for n in range(sampler.n_steps, 0, -1)]
        return steps_within(schedule, levels, self.curve.at(key_distances), self.tolerance)


def steps_within(
    schedule: NoiseSchedule,
    levels: Sequence[int],
    chunk_distances: NDArray[np.floating],
    tolerance: float,
) -> NDArray[np.int64]:
    """Return the fewest last steps whose start keeps the bound within the tolerance, (B,).

    Args:
        schedule: Noise levels.
        levels: Where the last n steps begin, for n from all of them down to 1.
        chunk_distances: Expected Euclidean distance of the retrieved chunk from the solver's, (B,).
        tolerance: Largest total variation.
    """
    at = np.array(levels)
    ratios = schedule.alphas[at] / schedule.sigmas[at]  # rising: later is cleaner
    largest = 2.0 * NormalDist().inv_cdf((1.0 + tolerance) / 2.0)
    with np.errstate(divide="ignore"):
        allowed = largest / np.asarray(chunk_distances, dtype=np.float64)
    # Where even the noisiest start breaks the bound nothing is skipped: it starts from noise.
    skipped = np.maximum(np.searchsorted(ratios, allowed, side="right") - 1, 0)
    return len(levels) - skipped
