# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Training of the ALT encoder: two views of a frame attract, other frames repel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dp_accel_ros.data.episodes import Episodes
from dp_accel_ros.errors import ConfigError
from dp_accel_ros.observe.normalizer import Normalizer
from dp_accel_ros.train.augment import ColorJitter, RandomResizedCrop
from dp_accel_ros.train.fusion_encoder import FusionEncoder
from dp_accel_ros.train.loop import Draw, LoopConfig, best_device, fit
from dp_accel_ros.train.nt_xent import nt_xent
from dp_accel_ros.train.policy_encoder import PolicyEncoder, scaled
from dp_accel_ros.train.run_folder import RunFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastiveConfig:
    """The views, the loss and the batches."""

    temperature: float = 0.2
    """The paper's .4 hardly tells near frames apart in batches of one phase."""

    jitter: ColorJitter = field(default_factory=ColorJitter)
    crop: RandomResizedCrop = field(default_factory=lambda: RandomResizedCrop(min_scale=0.97))
    """The paper's .9 shifts a frame by up to 2.4 of 96 pixels, more than a centimetre on the table,
    and what is shifted away in training cannot be told apart by its key."""

    pose_noise: float = 0.01
    """Standard deviation of noise on the normalised joints."""

    phase_band: float = 0.2
    """A batch is drawn from this share of the frames, those of one phase of their episodes.

    Frames of one phase differ in where the cube is; frames of all phases differ in where the arm
    is, and telling those apart teaches nothing about the task. 1 draws from all frames.
    """

    shared_trunk: bool = False
    pose_branch: bool = True
    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(steps=250, batch_size=64, learning_rate=5e-4)
    )

    def __post_init__(self) -> None:
        if self.temperature <= 0 or not 0 < self.phase_band <= 1:
            raise ConfigError(
                "expected `temperature` > 0 and `phase_band` in (0, 1],"
                f" got {self.temperature} and {self.phase_band}"
            )

    def network(self, n_cameras: int, n_joints: int, size: tuple[int, int]) -> FusionEncoder:
        """Return an untrained encoder."""
        return FusionEncoder(
            n_cameras,
            n_joints,
            size,
            shared_trunk=self.shared_trunk,
            pose_branch=self.pose_branch,
        )


@dataclass(frozen=True, slots=True)
class ContrastiveData:
    """Frames of the demonstrations, in memory."""

    images: tuple[Tensor, ...]
    """For each camera, (N, H, W, 3) uint8."""

    joints: Tensor
    """Normalised, (N, Dj)."""

    by_phase: NDArray[np.int64]
    """Rows in the order of their phase, from first to last frame of their episodes, (N,)."""

    @classmethod
    def of(cls, episodes: Episodes, joints: Normalizer) -> ContrastiveData:
        """Return the data of a file of demonstrations."""
        lengths = np.diff(episodes.ends, prepend=0)
        phase = np.concatenate([np.arange(length) / length for length in lengths])
        cameras = episodes.attributes["cameras"]
        return cls(
            images=tuple(torch.from_numpy(episodes.rows(f"img_{name}")) for name in cameras),
            joints=torch.from_numpy(joints.normalize(episodes.rows("joint_position"))),
            by_phase=np.argsort(phase, kind="stable"),
        )

    def batch(self, rng: np.random.Generator, size: int, band: float) -> Tensor:
        """Return distinct rows, (B,), of one phase."""
        width = min(len(self.by_phase), max(size, round(band * len(self.by_phase))))
        first = int(rng.integers(len(self.by_phase) - width + 1))
        chosen = rng.choice(width, min(size, width), replace=False)
        return torch.from_numpy(self.by_phase[first + chosen])


class ContrastiveLoss:
    """NT-Xent between two augmented views of every frame of a batch."""

    def __init__(
        self, network: FusionEncoder, data: ContrastiveData, config: ContrastiveConfig
    ) -> None:
        self.network, self.data, self.config = network, data, config
        self.device = next(network.parameters()).device

    def __call__(self, draw: Draw) -> Tensor:
        """Return the loss of one batch."""
        config = self.config
        rows = self.data.batch(draw.rng, config.loop.batch_size, config.phase_band)
        first, second = (self._view(rows, draw.torch_rng) for _ in range(2))
        return nt_xent(first, second, config.temperature)

    def _view(self, rows: Tensor, rng: torch.Generator) -> Tensor:
        frames = [scaled(images[rows].to(self.device)) for images in self.data.images]
        views = [self.config.crop(self.config.jitter(frame, rng), rng) for frame in frames]
        joints = self.data.joints[rows].to(self.device)
        noise = torch.randn(joints.shape, generator=rng, device=self.device)
        return self.network.embed(views, joints + self.config.pose_noise * noise)


def train_contrastive(
    data: ContrastiveData,
    config: ContrastiveConfig,
    folder: RunFolder,
    start: PolicyEncoder | None = None,
) -> Iterator[float]:
    """Train the ALT encoder, yielding the loss of each step; the folder then holds its weights.

    The trunks begin as those of `start`, in the place of ImageNet weights.
    """
    folder.begin(config)
    torch.manual_seed(config.loop.seed)
    size = (int(data.images[0].shape[1]), int(data.images[0].shape[2]))
    network = config.network(len(data.images), data.joints.shape[1], size)
    if start is not None:
        for trunk, trained in zip(network.trunks, start.trunks, strict=False):
            trunk.load_state_dict(trained.state_dict())
    loss = ContrastiveLoss(network.to(best_device()), data, config)
    yield from fit(network, loss, config.loop, folder)
