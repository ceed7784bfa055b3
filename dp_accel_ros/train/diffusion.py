# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Training of the denoiser on cached encoder features of the demonstrations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dp_accel_ros.data.windows import WindowShape
from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.networks.torch_transformer import DenoisingTransformer, TransformerShape
from dp_accel_ros.predict.schedule import squared_cosine
from dp_accel_ros.train.chunk_batches import ChunkBatches, DiffusionData
from dp_accel_ros.train.loop import Draw, LoopConfig, best_device, fit
from dp_accel_ros.train.run_folder import RunFolder

CONDITIONS = ("state", "features")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffusionConfig:
    """What the denoiser is and how it learns."""

    windows: WindowShape = field(default_factory=WindowShape)
    condition: str = "state"
    """What stands for the encoder's features: the true `state` with noise, or cached `features`.

    With the true state the denoiser need not wait for the encoder and never fits its mistakes.
    """

    num_train_timesteps: int = 100
    n_layers: int = 8
    n_heads: int = 4
    width: int = 256
    actions_per_token: int = 1
    dropout: float = 0.1
    joint_noise: float = 0.01
    """Standard deviation of noise on the normalised joints of the condition."""

    estimate_noise: float = 0.05
    """Standard deviation of noise on the standardised state, about the encoder's own error."""

    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(steps=4000, batch_size=64, learning_rate=4e-4)
    )

    def __post_init__(self) -> None:
        if self.condition not in CONDITIONS:
            raise ConfigError(
                f"`condition` must be one of {', '.join(CONDITIONS)}, got {self.condition!r}"
            )

    def network(self, n_actions: int, n_features: int) -> DenoisingTransformer:
        """Return an untrained denoiser."""
        return DenoisingTransformer(
            TransformerShape(
                n_actions=n_actions,
                n_features=n_features,
                n_obs_steps=self.windows.n_obs_steps,
                horizon=self.windows.horizon,
                actions_per_token=self.actions_per_token,
                n_layers=self.n_layers,
                n_heads=self.n_heads,
                width=self.width,
                dropout=self.dropout,
            )
        )


class DiffusionLoss:
    """Mean square error of predicted noise at random timesteps (Ho et al. 2020, eq. 14)."""

    def __init__(
        self, network: DenoisingTransformer, data: DiffusionData, config: DiffusionConfig
    ) -> None:
        device = best_device()
        schedule = squared_cosine(config.num_train_timesteps)
        self.network = network.to(device)
        self.batches = ChunkBatches(data, config.windows, config.loop.batch_size)
        self.alphas = torch.from_numpy(schedule.alphas.astype(np.float32)).to(device)
        self.sigmas = torch.from_numpy(schedule.sigmas.astype(np.float32)).to(device)

    def __call__(self, draw: Draw) -> Tensor:
        """Return the loss of one batch."""
        (clean, cond), rng = self.batches.drawn(draw), draw.torch_rng
        eps = torch.randn(clean.shape, generator=rng, device=rng.device)
        levels = torch.randint(len(self.alphas), (len(clean),), generator=rng, device=rng.device)
        alpha, sigma = self.alphas[levels, None, None], self.sigmas[levels, None, None]
        predicted = self.network(alpha * clean + sigma * eps, levels.float(), cond)
        return functional.mse_loss(predicted, eps)


def train_diffusion(
    data: DiffusionData, config: DiffusionConfig, folder: RunFolder
) -> Iterator[float]:
    """Train the denoiser, yielding the loss of each step; the folder then holds its weights."""
    folder.begin(config)
    torch.manual_seed(config.loop.seed)
    network = config.network(data.actions.shape[1], data.features.shape[1])
    loss = DiffusionLoss(network, data, config)
    last: list[float] = []
    for value in fit(network, loss, config.loop, folder):
        last = [*last[-199:], value]
        yield value
    folder.finish({"steps": config.loop.steps} | evaluated(loss) | {"train_loss": np.mean(last)})


class NetworkLoss(Protocol):
    """A loss with the network that it judges."""

    network: DenoisingTransformer

    def __call__(self, draw: Draw) -> Tensor:
        """Return the loss of one batch."""
        ...


@torch.no_grad()
def evaluated(loss: NetworkLoss, n_batches: int = 8) -> dict[str, float]:
    """Return the averaged weights' loss on fixed draws of the training windows."""
    loss.network.eval()
    draws = [LoopConfig(steps=1, seed=12345).draw(i, best_device()) for i in range(n_batches)]
    return {"eval_loss": float(np.mean([loss(draw).item() for draw in draws]))}
