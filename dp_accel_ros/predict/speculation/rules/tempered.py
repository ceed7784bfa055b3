# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The rule that trades a known bias for acceptance, at the best rate there is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.predict.speculation.normal import normal_cdf
from dp_accel_ros.predict.speculation.rules.base import Numbers, Settings
from dp_accel_ros.predict.speculation.rules.exact import Exact


@dataclass(frozen=True, slots=True)
class Tempered:
    """Keeps a draft with probability min(1, r^(1/c²)): the test as if sigma were c times as large.

    What it accepts more than the maximal coupling is exactly its bias; no rule does better.
    """

    @property
    def name(self) -> str:
        """Name under which it is listed in `RULES`."""
        return "tempered"

    def accepts(
        self, log_ratio: Numbers, log_uniform: Numbers, settings: Settings
    ) -> NDArray[np.bool_]:
        """Return which drafts stay, given log r and log U of each."""
        return log_uniform * np.square(settings.sigma_scale) <= log_ratio

    def acceptance(self, gap: Numbers, settings: Settings) -> NDArray[np.float64]:
        """Return the maximal coupling's probability plus the bias."""
        return Exact().acceptance(gap, settings) + self.bias(gap, settings)

    def bias(self, gap: Numbers, settings: Settings) -> NDArray[np.float64]:
        """Return the total variation from the target, E[min(1, r^(1/c²))] - 2 Phi(-gap / 2)."""
        gap = np.asarray(gap, np.float64)
        weight = 1.0 / np.square(np.asarray(settings.sigma_scale, np.float64))
        # E[min(1, r^w)], w = 1/c², is Phi(-gap / 2) from where r > 1 and a Gaussian integral
        # tilted by r^w from where r < 1; the exact rule's 2 Phi(-gap / 2) is then taken off.
        tilt = np.exp(0.5 * gap**2 * weight * (weight - 1.0))
        return tilt * normal_cdf(gap * (0.5 - weight)) - normal_cdf(-gap / 2.0)

    def exactness(self, settings: Settings, bias_budget: float) -> str:
        """Return in words how a chunk's law relates to the base sampler's."""
        if np.all(np.asarray(settings.sigma_scale) == 1.0):
            return "exact: the law of the base sampler"
        return f"biased: at most {bias_budget:.3f} in total variation from the base sampler"
