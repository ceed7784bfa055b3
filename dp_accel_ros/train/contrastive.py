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

VIEW_BATCH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastiveConfig:
    """The views, the loss and the batches."""

    temperature: float = 0.2
    """The paper's .4 gives keys as good; .1 gives worse ones."""

    jitter: ColorJitter = field(default_factory=ColorJitter)
    crop: RandomResizedCrop = field(default_factory=lambda: RandomResizedCrop(min_scale=0.97))
    """The paper's .9 shifts a frame by up to 2.4 of 96 pixels, more than a centimetre on the table,
    and what is shifted away in training cannot be told apart by its key."""

    pose_noise: float = 0.01
    """Standard deviation of noise on the normalised joints."""

    phase_band: float = 1.0
    """A batch is drawn from this share of the frames, those of one phase of their episodes.

    1 draws from all frames. Less shows only frames that differ in where the cube is, and their
    keys then cannot tell the phases apart: they find the cube a little better and the moment worse.
    """

    frozen_trunk: bool = True
    """Whether the trunks stay those of the policy encoder, so that only projections are trained.

    Trunks that learn along need more steps than two cores can make, and lose what they knew.
    """

    n_views: int = 3
    """Augmented views of each frame that frozen trunks see, before training."""

    frame_stride: int = 2
    """Frozen trunks see every so many frames: neighbours in time hardly differ."""

    shared_trunk: bool = False
    pose_branch: bool = True
    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(steps=600, batch_size=256, learning_rate=1e-3)
    )

    def __post_init__(self) -> None:
        if self.temperature <= 0 or not 0 < self.phase_band <= 1:
            raise ConfigError(
                "expected `temperature` > 0 and `phase_band` in (0, 1],"
                f" got {self.temperature} and {self.phase_band}"
            )
        if self.n_views < 2 or self.frame_stride < 1:
            raise ConfigError(
                "expected `n_views` of 2 or more and `frame_stride` of 1 or more,"
                f" got {self.n_views} and {self.frame_stride}"
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

    def thinned(self, stride: int) -> ContrastiveData:
        """Return the data of every `stride`-th frame."""
        kept = self.by_phase[self.by_phase % stride == 0] // stride
        return ContrastiveData(
            tuple(images[::stride] for images in self.images), self.joints[::stride], kept
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
        self.network, self.config = network, config
        self.device = next(network.parameters()).device
        self.data = data.thinned(config.frame_stride) if config.frozen_trunk else data
        self.seen = self._all_views() if config.frozen_trunk else None

    def __call__(self, draw: Draw) -> Tensor:
        """Return the loss of one batch."""
        config = self.config
        rows = self.data.batch(draw.rng, config.loop.batch_size, config.phase_band)
        which = draw.rng.permutation(config.n_views)[:2].tolist()
        first, second = (self._embedded(rows, view, draw.torch_rng) for view in which)
        return nt_xent(first, second, config.temperature)

    def _embedded(self, rows: Tensor, view: int, rng: torch.Generator) -> Tensor:
        seen = self._view(rows, rng) if self.seen is None else self.seen[view, rows]
        joints = self.data.joints[rows].to(self.device)
        noise = torch.randn(joints.shape, generator=rng, device=self.device)
        return self.network.fused(seen.to(self.device), joints + self.config.pose_noise * noise)

    def _view(self, rows: Tensor, rng: torch.Generator) -> Tensor:
        """Return what the trunks make of frames that are augmented anew, (B, cameras, width)."""
        frames = [scaled(images[rows].to(self.device)) for images in self.data.images]
        config = self.config
        return self.network.seen([config.crop(config.jitter(frame, rng), rng) for frame in frames])

    @torch.no_grad()
    def _all_views(self) -> Tensor:
        """Return every view of every frame as the trunks see it, (views, N, cameras, width)."""
        rng = torch.Generator(self.device).manual_seed(self.config.loop.seed)
        batches = torch.arange(len(self.data.joints)).split(VIEW_BATCH)
        views = range(self.config.n_views)
        return torch.stack(
            [torch.cat([self._view(rows, rng).cpu() for rows in batches]) for _ in views]
        )


def train_contrastive(
    data: ContrastiveData,
    config: ContrastiveConfig,
    folder: RunFolder,
    start: PolicyEncoder | None = None,
) -> Iterator[float]:
    """Train the ALT encoder, yielding the loss of each step; the folder then holds its weights.

    The trunks begin as those of `start`, in the place of ImageNet weights; frozen, they stay so.
    """
    if config.frozen_trunk and start is None:
        raise ConfigError("`frozen_trunk` needs the trunks of a trained policy encoder, got none")
    folder.begin(config)
    torch.manual_seed(config.loop.seed)
    size = (int(data.images[0].shape[1]), int(data.images[0].shape[2]))
    network = config.network(len(data.images), data.joints.shape[1], size)
    if start is not None:
        for trunk, trained in zip(network.trunks, start.trunks, strict=False):
            trunk.load_state_dict(trained.state_dict())
    network.trunks.requires_grad_(not config.frozen_trunk)
    loss = ContrastiveLoss(network.to(best_device()), data, config)
    yield from fit(network, loss, config.loop, folder)
