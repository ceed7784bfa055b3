# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Distillation of the denoiser into one layer that drafts for it (TS-DP, eq. 7-9)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.networks.torch_transformer import DenoisingTransformer
from dp_accel_ros.predict.schedule import NoiseSchedule, squared_cosine
from dp_accel_ros.train.chunk_batches import ChunkBatches, DiffusionData
from dp_accel_ros.train.diffusion import DiffusionConfig
from dp_accel_ros.train.loop import Draw, LoopConfig, best_device, fit
from dp_accel_ros.train.run_folder import RunFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class DrafterConfig:
    """What the drafter learns from; its width, its data and its embeddings are the denoiser's."""

    denoiser: DiffusionConfig = field(default_factory=DiffusionConfig)
    n_answers: int = 8192
    """Noised demonstrations that the denoiser is asked about, once, before training."""

    gap_weight: float = 0.1
    """Weight of `gap_loss` beside the mean square error."""

    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(steps=3000, batch_size=64, learning_rate=1e-3)
    )

    def __post_init__(self) -> None:
        if self.n_answers < 1 or self.gap_weight < 0.0:
            got = f"{self.n_answers} and {self.gap_weight}"
            raise ConfigError(f"expected `n_answers` from 1 and `gap_weight` from 0, got {got}")

    def network(self, n_actions: int, n_features: int) -> DenoisingTransformer:
        """Return an untrained drafter."""
        return replace(self.denoiser, n_layers=1, dropout=0.0).network(n_actions, n_features)


def squared_weights(schedule: NoiseSchedule, cap: float = 10.0) -> Tensor:
    """Return SNR_(t-1) / SNR_t - 1 of every level t, (L,): the squared gap for an error of 1.

    It is capped because it goes to 1e3 at the noisiest level, where nothing can be learnt, and is
    0 at the cleanest, whose step is never drafted.
    """
    ratio = (schedule.alphas / schedule.sigmas) ** 2
    weights = np.append(0.0, ratio[:-1] / ratio[1:] - 1.0)
    return torch.from_numpy(np.minimum(weights, cap).astype(np.float32))


def gap_loss(predicted: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Return the mean squared gap between the drafter's mean and the target's (L_norm).

    Args:
        predicted: Noise as the drafter sees it, (B, T, Da).
        target: Noise as the denoiser sees it, (B, T, Da).
        weights: `squared_weights` of each row's level, (B,).
    """
    return (weights * (predicted - target).square().sum(dim=(1, 2))).mean()


class Answers(NamedTuple):
    """What the denoiser said of noised demonstrations."""

    x: Tensor
    """(N, T, Da)."""

    levels: Tensor
    """(N,)."""

    cond: Tensor
    """(N, To, C)."""

    eps: Tensor
    """(N, T, Da)."""


@torch.no_grad()
def asked(target: DenoisingTransformer, data: DiffusionData, config: DrafterConfig) -> Answers:
    """Return the answers of a denoiser; they depend on the seed alone."""
    device = best_device()
    schedule = squared_cosine(config.denoiser.num_train_timesteps)
    alphas, sigmas = (
        torch.from_numpy(values.astype(np.float32)).to(device)
        for values in (schedule.alphas, schedule.sigmas)
    )
    batches = ChunkBatches(data, config.denoiser.windows, batch_size=256)
    target, found = target.to(device).eval(), []
    loop = LoopConfig(steps=1, seed=config.loop.seed + 1)  # not what training draws
    # Asked once: the denoiser has several times the layers, and an answer serves many steps.
    for part in range(-(-config.n_answers // batches.batch_size)):
        draw = loop.draw(part, device)
        (clean, cond), rng = batches.drawn(draw), draw.torch_rng
        eps = torch.randn(clean.shape, generator=rng, device=device)
        levels = torch.randint(len(alphas), (len(clean),), generator=rng, device=device)
        x = alphas[levels, None, None] * clean + sigmas[levels, None, None] * eps
        found.append(Answers(x, levels, cond, target(x, levels.float(), cond)))
    return Answers(*(torch.cat(parts)[: config.n_answers] for parts in zip(*found, strict=True)))


class DrafterLoss:
    """L_pred + weight * L_norm (TS-DP, eq. 7-9), the latter per number of a chunk."""

    def __init__(
        self, network: DenoisingTransformer, answers: Answers, config: DrafterConfig
    ) -> None:
        device = best_device()
        self.network = network.to(device)
        self.answers, self.config = answers, config
        schedule = squared_cosine(config.denoiser.num_train_timesteps)
        self.weights = squared_weights(schedule).to(device)

    def __call__(self, draw: Draw) -> Tensor:
        """Return the loss of one batch."""
        size = self.config.loop.batch_size
        rows = torch.from_numpy(draw.rng.integers(len(self.answers.x), size=size))
        x, levels, cond, eps = (part[rows.to(part.device)] for part in self.answers)
        predicted = self.network(x, levels.float(), cond)
        # Per number, like the mean square beside it: the weight then fits chunks of any size.
        gaps = gap_loss(predicted, eps, self.weights[levels]) / eps[0].numel()
        return functional.mse_loss(predicted, eps) + self.config.gap_weight * gaps


def started(target: Mapping[str, Tensor], n_layers: int) -> dict[str, Any]:
    """Return first weights of a drafter: the target's embeddings, its last layer and its head."""
    layer = re.compile(r"layers\.(\d+)\.")
    weights = {}
    for name, value in target.items():
        match = layer.match(name)
        if match is None:
            weights[name] = value
        elif int(match[1]) == n_layers - 1:
            weights[layer.sub("layers.0.", name)] = value
    return weights


def train_drafter(
    target: DenoisingTransformer, data: DiffusionData, config: DrafterConfig, folder: RunFolder
) -> Iterator[float]:
    """Train the drafter, yielding the loss of each step; the folder then holds its weights."""
    folder.begin(config)
    torch.manual_seed(config.loop.seed)
    network = config.network(data.actions.shape[1], data.features.shape[1])
    network.load_state_dict(started(target.state_dict(), config.denoiser.n_layers))
    loss = DrafterLoss(network, asked(target, data, config), config)
    last: list[float] = []
    for value in fit(network, loss, config.loop, folder):
        last = [*last[-199:], value]
        yield value
    folder.finish({"steps": config.loop.steps} | evaluated(loss, target, data))


@torch.no_grad()
def evaluated(
    loss: DrafterLoss, target: DenoisingTransformer, data: DiffusionData
) -> dict[str, float]:
    """Return errors of the averaged weights on answers that training did not see."""
    config = loss.config
    unseen = replace(config, n_answers=512, loop=replace(config.loop, seed=config.loop.seed + 7))
    x, levels, cond, eps = asked(target, data, unseen)
    predicted = loss.network.eval()(x, levels.float(), cond)
    gaps = (loss.weights[levels] * (predicted - eps).square().sum(dim=(1, 2))).sqrt()
    # What the exact rule keeps of drafts with these gaps (reflection-maximal coupling).
    acceptance = 2.0 * torch.special.ndtr(-gaps / 2.0)
    return {
        "eps_rmse": functional.mse_loss(predicted, eps).sqrt().item(),
        "gap_median": gaps.median().item(),
        "acceptance_expected": acceptance.mean().item(),
    }
