# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""EDM's scaling around a network, so that it sees and predicts numbers of about size one.

    denoised = c_skip(sigma) * x + c_out(sigma) * network(c_in(sigma) * x, c_noise(sigma), condition)

Only array operators are used: numbers, numpy arrays and torch tensors all pass through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dp_accel_ros.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Preconditioning:
    """The factors at a noise level sigma (Karras et al. 2022, table 1)."""

    sigma_data: float = 0.5
    """Standard deviation of the numbers of a clean chunk."""

    boundary: float = 0.0
    """Noise at which the estimate is x itself; a consistency student's is above 0 (sigma_min)."""

    def __post_init__(self) -> None:
        if not self.sigma_data > 0 or not self.boundary >= 0:
            got = f"{self.sigma_data} and {self.boundary}"
            raise ConfigError(f"`sigma_data` must be above 0 and `boundary` not below, got {got}")

    def of_input(self, sigma: Any) -> Any:
        """Return c_in: the scaled input has variance 1."""
        return 1 / (sigma**2 + self.sigma_data**2) ** 0.5

    def of_x(self, sigma: Any) -> Any:
        """Return c_skip."""
        return self.sigma_data**2 / ((sigma - self.boundary) ** 2 + self.sigma_data**2)

    def of_prediction(self, sigma: Any) -> Any:
        """Return c_out: so that the network's target has variance 1."""
        past = sigma - self.boundary
        return past * self.sigma_data / (sigma**2 + self.sigma_data**2) ** 0.5
