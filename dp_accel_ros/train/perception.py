# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Training of the policy's visual encoder, before and apart from the denoiser.

`state` learns the privileged task state that a simulation gives; `actions` learns the coming
expert actions, for recordings of a real robot that have nothing privileged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from dp_accel_ros.data.episodes import Episodes
from dp_accel_ros.data.windows import WindowShape, frame_windows
from dp_accel_ros.errors import ConfigError
from dp_accel_ros.observe.normalizer import Normalizer
from dp_accel_ros.train.augment import ColorJitter
from dp_accel_ros.train.loop import Draw, LoopConfig, best_device, fit
from dp_accel_ros.train.policy_encoder import PolicyEncoder, scaled
from dp_accel_ros.train.run_folder import RunFolder
from dp_accel_ros.train.state_errors import state_errors

OBJECTIVES = ("state", "actions")


@dataclass(frozen=True, slots=True, kw_only=True)
class PerceptionConfig:
    """What the encoder predicts and how it learns."""

    objective: str = "state"
    n_features: int = 32
    """Width of the learned features with `actions`; with `state` they are the state itself."""

    windows: WindowShape = field(default_factory=WindowShape)
    jitter: ColorJitter = field(
        default_factory=lambda: ColorJitter(
            brightness=0.1, contrast=0.1, saturation=0.1, hue=0.01, noise=0.01
        )
    )
    n_held_out: int = 60
    """Episodes at the end of the file that measure the error and are not learned from."""

    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(steps=1800, batch_size=96, learning_rate=1e-3)
    )

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES:
            raise ConfigError(
                f"`objective` must be one of {', '.join(OBJECTIVES)}, got {self.objective!r}"
            )

    def n_train(self, episodes: Episodes) -> int:
        """Return the number of frames, from the first, that are learned from."""
        kept = max(1, episodes.n_episodes - self.n_held_out)
        return int(episodes.ends[kept - 1])


def standard(raw: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and standard deviation of each column, (D,) each."""
    return raw.mean(0).astype(np.float32), np.maximum(raw.std(0), 1e-4).astype(np.float32)


@dataclass(frozen=True, slots=True)
class PerceptionData:
    """Frames and what to learn from them, in memory."""

    images: tuple[Tensor, ...]
    """For each camera, (N, H, W, 3) uint8."""

    joints: Tensor
    """Normalised, (N, Dj)."""

    targets: Tensor
    """Standardised state (N, S) or flattened normalised chunk (N, Tp * Da)."""

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    """Of the raw targets, (D,) each."""

    n_train: int
    """Rows before this one are learned from."""

    @classmethod
    def of(
        cls, episodes: Episodes, joints: Normalizer, config: PerceptionConfig
    ) -> PerceptionData:
        """Return the data of a file for an objective."""
        if config.objective == "state":
            raw = episodes.rows("state")
        else:
            chunks = frame_windows(episodes.ends, config.windows).index
            raw = episodes.rows("action")[chunks].reshape(episodes.n_frames, -1)
        n_train = config.n_train(episodes)
        mean, deviation = standard(raw[:n_train])
        cameras = episodes.attributes["cameras"]
        return cls(
            images=tuple(torch.from_numpy(episodes.rows(f"img_{name}")) for name in cameras),
            joints=torch.from_numpy(joints.normalize(episodes.rows("joint_position"))),
            targets=torch.from_numpy(((raw - mean) / deviation).astype(np.float32)),
            mean=mean,
            deviation=deviation,
            n_train=n_train,
        )

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the frames."""
        return int(self.images[0].shape[1]), int(self.images[0].shape[2])


class PerceptionModel(nn.Module):
    """The encoder and, for the `actions` objective, a head that only training needs."""

    def __init__(
        self,
        n_cameras: int,
        n_joints: int,
        n_targets: int,
        image_size: tuple[int, int],
        config: PerceptionConfig,
    ) -> None:
        super().__init__()
        learned = config.objective == "actions"
        n_features = config.n_features if learned else n_targets
        self.encoder = PolicyEncoder(n_cameras, n_joints, n_features, image_size)
        self.head: nn.Module = nn.Identity()
        if learned:
            # Unit variance, so that the features are to the denoiser what a state would be.
            self.encoder.head.append(nn.LayerNorm(n_features, elementwise_affine=False))
            self.head = nn.Sequential(
                nn.Linear(n_features, 256), nn.ReLU(), nn.Linear(256, n_targets)
            )

    def forward(self, images: list[Tensor], joints: Tensor) -> Tensor:
        """Return predicted targets, (B, D), from scaled frames and normalised joints."""
        return self.head(self.encoder.estimate(images, joints))


def train_perception(
    data: PerceptionData, config: PerceptionConfig, folder: RunFolder, names: Sequence[str]
) -> Iterator[float]:
    """Train the encoder, yielding the loss of each step; the folder then holds its weights."""
    folder.begin(config)
    torch.manual_seed(config.loop.seed)
    device = best_device()
    n_joints, n_targets = data.joints.shape[1], data.targets.shape[1]
    model = PerceptionModel(len(data.images), n_joints, n_targets, data.image_size, config)
    model = model.to(device)

    def loss(draw: Draw) -> Tensor:
        rows = torch.from_numpy(draw.rng.integers(data.n_train, size=config.loop.batch_size))
        frames = [scaled(images[rows].to(device)) for images in data.images]
        frames = [config.jitter(frame, draw.torch_rng) for frame in frames]
        predicted = model(frames, data.joints[rows].to(device))
        return functional.smooth_l1_loss(predicted, data.targets[rows].to(device), beta=0.1)

    yield from fit(model, loss, config.loop, folder)
    folder.finish(_evaluated(model, data, config, names))


@torch.no_grad()
def _evaluated(
    model: PerceptionModel, data: PerceptionData, config: PerceptionConfig, names: Sequence[str]
) -> Mapping[str, Any]:
    model.eval()
    rows = torch.arange(min(data.n_train, len(data.joints) - 1), len(data.joints))
    device = next(model.parameters()).device
    parts = []
    for part in rows.split(256):
        frames = [scaled(images[part].to(device)) for images in data.images]
        parts.append(model(frames, data.joints[part].to(device)).cpu())
    errors = (torch.cat(parts) - data.targets[rows]).numpy()
    found: dict[str, Any] = {
        "steps": config.loop.steps,
        "n_train_frames": data.n_train,
        "n_held_out_frames": len(rows),
        "standardised_rms": np.sqrt((errors**2).mean(0)).tolist(),
    }
    if config.objective == "state":
        truth = data.targets[rows].numpy() * data.deviation + data.mean
        found |= state_errors(truth, truth + errors * data.deviation, names)
    return found
