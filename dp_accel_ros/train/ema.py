# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The moving average of weights that is exported instead of the last step's."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Ema:
    """Diffusion Policy's average: it follows closely at first and ever more slowly later."""

    power: float = 0.75
    max_decay: float = 0.9999

    def decay(self, step: int) -> float:
        """Return the share of the old average that step `step`, from 0, keeps."""
        return min(self.max_decay, max(0.0, 1.0 - (1.0 + step) ** -self.power))

    @torch.no_grad()
    def update(self, averaged: nn.Module, trained: nn.Module, step: int) -> None:
        """Move `averaged` towards `trained`."""
        share = 1.0 - self.decay(step)
        for old, new in zip(averaged.parameters(), trained.parameters(), strict=True):
            old.lerp_(new, share)
