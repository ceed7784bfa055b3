# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The visual encoder of the policy: two cameras and joints to an estimate of the task state."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def scaled(images: Tensor) -> Tensor:
    """Return frames, (B, H, W, 3) uint8, as the networks see them, (B, 3, H, W) in [-1, 1]."""
    return images.permute(0, 3, 1, 2).float() / 127.5 - 1.0


class SpatialSoftmax(nn.Module):
    """Expected image position of each channel, (B, C, H, W) to (B, 2 C) in [-1, 1]."""

    rows: Tensor
    columns: Tensor

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(1))
        self.register_buffer("rows", torch.linspace(-1, 1, size[0]).repeat_interleave(size[1]))
        self.register_buffer("columns", torch.linspace(-1, 1, size[1]).repeat(size[0]))

    def forward(self, x: Tensor) -> Tensor:
        """Return rows and columns of every channel's attention."""
        weights = torch.softmax(x.flatten(2) * self.temperature, dim=-1)
        return torch.cat([weights @ self.rows, weights @ self.columns], dim=-1)


class CameraTrunk(nn.Module):
    """A small CNN for one camera: (B, 3, H, W) to (B, `width`).

    Keypoints keep positions below one pixel, the flattened map keeps what keypoints cannot say.
    """

    width = 256

    def __init__(self, image_size: tuple[int, int]) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 24, 5, 2, 2),
            nn.ReLU(),
            nn.Conv2d(24, 32, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(32, 48, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(48, 64, 3, 1, 1),
        )
        self.down = nn.Sequential(nn.ReLU(), nn.Conv2d(64, 64, 3, 2, 1), nn.ReLU(), nn.Flatten())
        with torch.no_grad():
            peaks = self.stem(torch.zeros(1, 3, *image_size))
            flat = self.down(peaks).shape[1]
        self.keypoints = SpatialSoftmax((peaks.shape[2], peaks.shape[3]))
        self.flat = nn.Linear(flat, self.width - 2 * peaks.shape[1])

    def forward(self, x: Tensor) -> Tensor:
        """Return features of scaled frames."""
        peaks = self.stem(x)
        return torch.cat([self.keypoints(peaks), self.flat(self.down(peaks))], dim=-1)


class PolicyEncoder(nn.Module):
    """One trunk a camera, joints joined in, then the target of training; weights are not shared.

    `features` is [target head, normalised joints], (B, n_targets + n_joints).
    """

    def __init__(
        self,
        n_cameras: int,
        n_joints: int,
        n_targets: int,
        image_size: tuple[int, int],
        hidden: int = 256,
    ) -> None:
        super().__init__()
        self.trunks = nn.ModuleList(CameraTrunk(image_size) for _ in range(n_cameras))
        self.head = nn.Sequential(
            nn.Linear(n_cameras * CameraTrunk.width + n_joints, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, n_targets),
        )

    def estimate(self, images: Sequence[Tensor], joints: Tensor) -> Tensor:
        """Return targets, (B, n_targets), from scaled frames and normalised joints."""
        seen = [trunk(image) for trunk, image in zip(self.trunks, images, strict=True)]
        return self.head(torch.cat([*seen, joints], dim=-1))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return features, (B, C), from uint8 frames of every camera and, last, the joints."""
        *frames, joints = inputs
        return torch.cat([self.estimate([scaled(f) for f in frames], joints), joints], dim=-1)
