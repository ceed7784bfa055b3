# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What every accept rule offers."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.floating]


class Settings(NamedTuple):
    """What a rule may be tuned by; numbers or arrays that fit the arrays they are used with."""

    sigma_scale: ArrayLike = 1.0
    """Factor on the standard deviation, in the test alone."""

    threshold: ArrayLike = 1.0
    """Least density ratio (lambda)."""


class AcceptRule(Protocol):
    """Decides which drafts stay; a draft that does not is replaced by its reflection."""

    @property
    def name(self) -> str:
        """Name under which it is listed in `RULES`."""
        ...

    def accepts(
        self, log_ratio: Numbers, log_uniform: Numbers, settings: Settings
    ) -> NDArray[np.bool_]:
        """Return which drafts stay, given log r and log U of each."""
        ...

    def acceptance(self, gap: Numbers, settings: Settings) -> NDArray[np.float64]:
        """Return the probability that a draft stays when the means lie `gap` deviations apart."""
        ...

    def bias(self, gap: Numbers, settings: Settings) -> NDArray[np.float64]:
        """Return the total variation between one step under this rule and under the target."""
        ...

    def exactness(self, settings: Settings, bias_budget: float) -> str:
        """Return in words how a chunk's law relates to the base sampler's.

        Args:
            settings: Of all steps.
            bias_budget: The sum of `bias` over the steps of the chunk.
        """
        ...
