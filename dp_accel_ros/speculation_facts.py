# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What speculation did for one chunk: what was drafted, verified and accepted, and at what bias."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class SpeculationFacts:
    """Counts of one chunk, and one number for each of its N diffusion steps."""

    drafter: str
    """Name of what drafted."""

    rounds: int
    """Calls of the target one after the other; without speculation there are N."""

    rows: int
    """States that the target evaluated."""

    drafts: int
    """States that the drafter made."""

    levels: NDArray[np.int64]
    """Noise level that each step starts from, (N,)."""

    lengths: NDArray[np.int64]
    """Drafts that were wanted in a round from each step on, (N,)."""

    gaps: NDArray[np.float32]
    """Standard deviations between the means of draft and target, (N,); NaN where no test was."""

    kept: NDArray[np.bool_]
    """Steps whose draft was accepted, (N,)."""

    bias_budget: float
    """Bound on the total variation from the base sampler, summed over steps; 0 is exact.

    It holds on average over chunks, and says nothing from 1 on, as where time ran out.
    """

    outlook: NDArray[np.float64]
    """Probability of acceptance expected at each step of the next chunk, (N,)."""

    @property
    def tested(self) -> NDArray[np.bool_]:
        """Steps whose draft was tested, (N,); the others the target made itself."""
        return ~np.isnan(self.gaps)

    @property
    def acceptance(self) -> float:
        """Share of the tested drafts that were accepted; NaN if none was tested.

        A round tests its drafts in order up to the first that fails. What was drafted behind that
        one is never tested: it counts in `drafts` and `rows`, not here.
        """
        n_tested = int(self.tested.sum())
        return float(self.kept.sum()) / n_tested if n_tested else float("nan")
