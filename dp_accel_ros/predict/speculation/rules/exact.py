# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The rule that changes nothing but speed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.predict.speculation.normal import normal_cdf
from dp_accel_ros.predict.speculation.rules.base import Numbers, Settings


@dataclass(frozen=True, slots=True)
class Exact:
    """Keeps a draft with probability min(1, r): the maximal coupling."""

    @property
    def name(self) -> str:
        """Name under which it is listed in `RULES`."""
        return "exact"

    def accepts(
        self, log_ratio: Numbers, log_uniform: Numbers, settings: Settings
    ) -> NDArray[np.bool_]:
        """Return which drafts stay, given log r and log U of each."""
        del settings  # there is nothing to tune
        return log_uniform <= log_ratio

    def acceptance(self, gap: Numbers, settings: Settings) -> NDArray[np.float64]:
        """Return 2 Phi(-gap / 2), the most that any rule without bias can accept."""
        del settings
        return 2.0 * normal_cdf(-np.asarray(gap) / 2.0)

    def bias(self, gap: Numbers, settings: Settings) -> NDArray[np.float64]:
        """Return 0 for every gap."""
        del settings
        return np.zeros(np.shape(gap))

    def exactness(self, settings: Settings, bias_budget: float) -> str:
        """Return in words how a chunk's law relates to the base sampler's."""
        del settings, bias_budget
        return "exact: the law of the base sampler"
