# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The ALT encoder: every camera and the joints to a point on the unit sphere."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from dp_accel_ros.train.policy_encoder import CameraTrunk, scaled


class FusionEncoder(nn.Module):
    """Each image to 128, joints through 64 to 32, all joined through 256 to 128, unit norm.

    The trunk is the policy encoder's CNN in place of a ResNet-18. With `shared_trunk` one trunk
    serves every camera, as the paper has it; without, each camera has its own.
    """

    def __init__(
        self,
        n_cameras: int,
        n_joints: int,
        image_size: tuple[int, int],
        *,
        shared_trunk: bool = False,
        pose_branch: bool = True,
    ) -> None:
        super().__init__()
        self.n_cameras = n_cameras
        n_trunks = 1 if shared_trunk else n_cameras
        self.trunks = nn.ModuleList(CameraTrunk(image_size) for _ in range(n_trunks))
        self.project = nn.ModuleList(nn.Linear(CameraTrunk.width, 128) for _ in range(n_trunks))
        self.pose = nn.Sequential(nn.Linear(n_joints, 64), nn.ReLU(), nn.Linear(64, 32))
        self.pose_branch = pose_branch
        joined = 128 * n_cameras + (32 if pose_branch else 0)
        self.fuse = nn.Sequential(nn.Linear(joined, 256), nn.ReLU(), nn.Linear(256, 128))

    def seen(self, images: Sequence[Tensor]) -> Tensor:
        """Return what the trunks make of scaled frames, (B, cameras, width)."""
        parts = [self.trunks[self._which(c)](image) for c, image in enumerate(images)]
        return torch.stack(parts, dim=1)

    def fused(self, seen: Tensor, joints: Tensor) -> Tensor:
        """Return unit vectors, (B, 128), from what the trunks saw and normalised joints."""
        parts = [self.project[self._which(c)](seen[:, c]) for c in range(self.n_cameras)]
        if self.pose_branch:
            parts.append(self.pose(joints))
        return functional.normalize(self.fuse(torch.cat(parts, dim=-1)), dim=-1)

    def embed(self, images: Sequence[Tensor], joints: Tensor) -> Tensor:
        """Return unit vectors, (B, 128), from scaled frames and normalised joints."""
        return self.fused(self.seen(images), joints)

    def _which(self, camera: int) -> int:
        return camera % len(self.trunks)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return unit vectors, (B, 128), from uint8 frames of every camera and, last, the joints."""
        *frames, joints = inputs
        return self.embed([scaled(frame) for frame in frames], joints)
