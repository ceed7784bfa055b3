# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The noise levels that EDM teacher and consistency student are trained for, in torch's words."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.schedule import NoiseSchedule, karras


@dataclass(frozen=True, slots=True, kw_only=True)
class KarrasLevels:
    """Consistency Policy's levels; the manifest repeats them."""

    sigma_min: float = 0.02
    sigma_max: float = 80.0
    rho: float = 7.0
    bins: int = 80
    time_scale: float = 1000.0
    """The network is told `time_scale` * ln(sigma) / 4."""

    sigma_data: float = 0.5
    """Standard deviation of the numbers of a clean chunk."""

    def __post_init__(self) -> None:
        if not 0 < self.sigma_min < self.sigma_max:
            got = f"{self.sigma_min} and {self.sigma_max}"
            raise ConfigError(f"`sigma_min` must lie between 0 and `sigma_max`, got {got}")

    @property
    def schedule(self) -> NoiseSchedule:
        """The bins as levels."""
        return karras(self.sigma_min, self.sigma_max, self.rho, self.bins, self.time_scale)

    @property
    def end_time(self) -> float:
        """What the network is told of the lowest level, where every sampling jump lands."""
        return float(self.schedule.network_times[0])

    def sigmas(self, device: torch.device) -> Tensor:
        """Return the noise of every level, (L,), rising."""
        return torch.tensor(self.schedule.sigmas, dtype=torch.float32, device=device)

    def time(self, sigma: Tensor) -> Tensor:
        """Return what the network is told of sigma, (B,)."""
        return self.time_scale * sigma.log() / 4
