# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Training of the EDM teacher: the denoiser's network, for noise that is added to the chunk."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.networks.torch_transformer import DenoisingTransformer
from dp_accel_ros.predict.preconditioning import Preconditioning
from dp_accel_ros.train.chunk_batches import ChunkBatches, DiffusionData
from dp_accel_ros.train.diffusion import DiffusionConfig, evaluated
from dp_accel_ros.train.karras_levels import KarrasLevels
from dp_accel_ros.train.loop import Draw, LoopConfig, best_device, fit
from dp_accel_ros.train.run_folder import RunFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class EdmConfig:
    """What the EDM teacher learns from; its network and data are the denoiser's."""

    denoiser: DiffusionConfig = field(default_factory=DiffusionConfig)
    levels: KarrasLevels = field(default_factory=KarrasLevels)
    log_mean: float = -1.2
    log_deviation: float = 1.2
    """ln(sigma) is drawn from a normal law with this mean and standard deviation."""

    uniform_share: float = 0.25
    """Share of draws in which ln(sigma) is uniform from the lowest level to the highest instead.

    The normal law puts sigma = 80, where sampling starts, 4.7 standard deviations out; a network
    that trains for minutes does not extrapolate so far.
    """

    warm_start: bool = True
    """Whether training starts from the denoiser's weights."""

    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(steps=1500, batch_size=64, learning_rate=4e-4)
    )

    def __post_init__(self) -> None:
        if not 0.0 <= self.uniform_share <= 1.0:
            raise ConfigError(f"`uniform_share` must lie in 0 to 1, got {self.uniform_share}")


class EdmLoss:
    """Mean square error of the network's own target, which is EDM's weighting (eq. 8)."""

    def __init__(
        self, network: DenoisingTransformer, data: DiffusionData, config: EdmConfig
    ) -> None:
        self.network = network.to(best_device())
        self.config = config
        self.batches = ChunkBatches(data, config.denoiser.windows, config.loop.batch_size)

    def __call__(self, draw: Draw) -> Tensor:
        """Return the loss of one batch."""
        (clean, cond), rng = self.batches.drawn(draw), draw.torch_rng
        sigma = self.sigmas(len(clean), rng)
        eps = torch.randn(clean.shape, generator=rng, device=rng.device)
        scaling, wide = Preconditioning(self.config.levels.sigma_data), sigma[:, None, None]
        noisy = clean + wide * eps
        time = self.config.levels.time(sigma)
        # In these units the target has variance 1 at every level, so no level outweighs another.
        predicted = self.network(scaling.of_input(wide) * noisy, time, cond)
        target = (clean - scaling.of_x(wide) * noisy) / scaling.of_prediction(wide)
        return functional.mse_loss(predicted, target)

    def sigmas(self, n: int, rng: torch.Generator) -> Tensor:
        """Return noise levels to learn at, (n,)."""
        levels = self.config.levels
        # All numbers are drawn whatever the share, so that another share changes nothing else.
        normal = torch.randn(n, generator=rng, device=rng.device)
        even, lot = torch.rand((2, n), generator=rng, device=rng.device)
        low, high = math.log(levels.sigma_min), math.log(levels.sigma_max)
        logs = self.config.log_mean + self.config.log_deviation * normal
        logs = torch.where(lot < self.config.uniform_share, low + (high - low) * even, logs)
        return logs.exp()


def train_edm(
    data: DiffusionData,
    config: EdmConfig,
    folder: RunFolder,
    start: Mapping[str, Tensor] | None = None,
) -> Iterator[float]:
    """Train the teacher, yielding the loss of each step; the folder then holds its weights.

    Args:
        data: Demonstrations.
        config: What to learn.
        folder: Where checkpoints and results go.
        start: Weights of the same network to begin with, such as the denoiser's.
    """
    folder.begin(config)
    torch.manual_seed(config.loop.seed)
    network = config.denoiser.network(data.actions.shape[1], data.features.shape[1])
    if start is not None:
        network.load_state_dict(start)
    loss = EdmLoss(network, data, config)
    last: list[float] = []
    for value in fit(network, loss, config.loop, folder):
        last = [*last[-199:], value]
        yield value
    folder.finish({"steps": config.loop.steps} | evaluated(loss) | {"train_loss": np.mean(last)})
