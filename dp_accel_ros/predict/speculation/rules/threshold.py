# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The rule of the TS-DP paper, which is not lossless."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.predict.speculation.normal import normal_cdf
from dp_accel_ros.predict.speculation.rules.base import Numbers, Settings


@dataclass(frozen=True, slots=True)
class Threshold:
    """Keeps a draft if min(1, r) is at least lambda, with no random draw (TS-DP, eq. 10-11).

    With sigma scaled by c in the test, r^(1/c²) takes the place of r.
    """

    @property
    def name(self) -> str:
        """Name under which it is listed in `RULES`."""
        return "threshold"

    def accepts(
        self, log_ratio: Numbers, log_uniform: Numbers, settings: Settings
    ) -> NDArray[np.bool_]:
        """Return which drafts stay, given log r of each."""
        del log_uniform  # nothing is drawn, and that is why the law is not the target's
        return log_ratio >= _log_least(settings)

    def acceptance(self, gap: Numbers, settings: Settings) -> NDArray[np.float64]:
        """Return Phi(-cut) with cut = gap / 2 + log(lambda) / gap."""
        return normal_cdf(-_cut(gap, settings))

    def bias(self, gap: Numbers, settings: Settings) -> NDArray[np.float64]:
        """Return the total variation from the target; near 1/2 for lambda = 1 and a small gap."""
        gap = np.asarray(gap, np.float64)
        # Along the gap the law has two pieces: drafts that stay and the mirror image of the rest.
        cut = _cut(gap, settings)
        shared = 2.0 * normal_cdf(cut - gap) - normal_cdf(cut)
        return np.where(gap > 0.0, shared + 2.0 * normal_cdf(gap / 2.0) - 1.0, 0.0)

    def exactness(self, settings: Settings, bias_budget: float) -> str:
        """Return in words how a chunk's law relates to the base sampler's."""
        del settings
        words = "NOT the law of the base sampler: the threshold rule distorts it, mode weights too"
        if bias_budget >= 1.0:
            return f"{words}; no bound on its total variation (steps add up to {bias_budget:.1f})"
        return f"{words}; at most {bias_budget:.3f} in total variation"


def _log_least(settings: Settings) -> Numbers:
    return np.log(settings.threshold) * np.square(settings.sigma_scale)


def _cut(gap: Numbers, settings: Settings) -> Numbers:
    """Return the noise along the gap at which the rule changes its mind; -inf for no gap."""
    gap = np.asarray(gap, np.float64)
    safe = np.where(gap > 0.0, gap, 1.0)
    return np.where(gap > 0.0, safe / 2.0 + _log_least(settings) / safe, -np.inf)
