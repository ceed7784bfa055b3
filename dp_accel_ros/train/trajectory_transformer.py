# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The consistency student's network: the denoiser's, told of a second time where to land."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from dp_accel_ros.predict.networks.torch_transformer import DenoisingTransformer


class TrajectoryTransformer(nn.Module):
    """Adds the embedding of the time to land at, through a layer that starts at 0, to the time's.

    So the network keeps its tokens and sizes: it begins as the teacher whose weights it is given,
    and for one landing time it is a plain denoising transformer again.
    """

    def __init__(self, body: DenoisingTransformer) -> None:
        super().__init__()
        self.body = body
        self.landing = nn.Linear(body.shape.width, body.shape.width, bias=False)
        nn.init.zeros_(self.landing.weight)

    def forward(self, x: Tensor, t: Tensor, s: Tensor, cond: Tensor) -> Tensor:
        """Return the prediction, (B, T, Da), for a jump of `x` from the times `t` to `s`, (B,)."""
        time = self.body.embedded(t) + self.landing(self.body.embedded(s))
        return self.body.decode(x, self.body.memory_of(time, cond))

    @torch.no_grad()
    def landing_at(self, s: float) -> DenoisingTransformer:
        """Return the network for jumps that all land at the time `s`."""
        fixed = copy.deepcopy(self.body)
        device = fixed.condition_position.device
        shift = self.landing(fixed.embedded(torch.tensor([s], device=device)))  # (1, d)
        fixed.condition_position[:, 0] += shift
        return fixed
