# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Diffusion Policy's transformer: noisy chunk, network time and condition to predicted noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dp_accel_ros.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerShape:
    """Sizes; the defaults are the paper's for its robot tasks (Lift, Can, Square)."""

    n_actions: int
    """Numbers of one action (Da)."""

    n_features: int
    """Numbers of one observation step of the condition (C)."""

    n_obs_steps: int = 2
    horizon: int = 16
    n_layers: int = 8
    n_heads: int = 4
    width: int = 256
    dropout: float = 0.1
    """Of attention weights. The paper's .3 is for thousands of epochs of human data; here a few
    thousand steps must fit clean demonstrations, and dropout elsewhere costs a CPU a fifth more."""

    def __post_init__(self) -> None:
        if self.width % (2 * self.n_heads):
            raise ConfigError(
                f"`width` must be a multiple of 2 * `n_heads` ({2 * self.n_heads}), got {self.width}"
            )


class Attention(nn.Module):
    """Multi-head attention in plain products over tokens laid end to end, (B * T, d).

    Two dimensions and constant shapes export to one Gemm a layer and to no shape arithmetic,
    which on a CPU would cost as much as the products.
    """

    def __init__(self, width: int, n_heads: int, n_queries: int, n_memory: int, p: float) -> None:
        super().__init__()
        self.n_heads, self.n_queries, self.n_memory = n_heads, n_queries, n_memory
        self.head_width, self.width = width // n_heads, width
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(p)

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        """Return (B * T, d) from `x`, (B * T, d), over `memory`, (B * M, d); mask (T, M)."""
        queries = self.query(x).view(-1, self.n_queries, self.n_heads, self.head_width)
        pairs = self.key_value(memory).view(-1, self.n_memory, 2, self.n_heads, self.head_width)
        keys, values = pairs.permute(2, 0, 3, 1, 4).unbind(0)  # (B, heads, M, d / heads)
        scores = queries.transpose(1, 2) @ keys.transpose(-1, -2) / math.sqrt(self.head_width)
        weights = self.dropout(torch.softmax(scores + mask, dim=-1))
        return self.out((weights @ values).transpose(1, 2).reshape(-1, self.width))


class DecoderLayer(nn.Module):
    """Pre-norm self-attention, attention over the condition, and a feed-forward block."""

    def __init__(self, shape: TransformerShape) -> None:
        super().__init__()
        width, steps, memory = shape.width, shape.horizon, shape.n_obs_steps + 1
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.own = Attention(width, shape.n_heads, steps, steps, shape.dropout)
        self.cross = Attention(width, shape.n_heads, steps, memory, shape.dropout)
        self.feed = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor, memory: Tensor, causal: Tensor, seen: Tensor) -> Tensor:
        """Return (B * T, d) from tokens `x` and condition tokens `memory`, (B * M, d)."""
        normed = self.norms[0](x)
        x = x + self.own(normed, normed, causal)
        x = x + self.cross(self.norms[1](x), memory, seen)
        return x + self.feed(self.norms[2](x))


class DenoisingTransformer(nn.Module):
    """A minGPT-like decoder over actions with [time, observation steps] as condition tokens."""

    causal: Tensor
    seen: Tensor
    frequencies: Tensor

    def __init__(self, shape: TransformerShape) -> None:
        super().__init__()
        self.shape = shape
        width, horizon, n_memory = shape.width, shape.horizon, shape.n_obs_steps + 1
        self.action_in = nn.Linear(shape.n_actions, width)
        self.position = nn.Parameter(torch.zeros(1, horizon, width))
        self.condition_in = nn.Linear(shape.n_features, width)
        self.condition_position = nn.Parameter(torch.zeros(1, n_memory, width))
        self.condition_mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.Mish(), nn.Linear(4 * width, width)
        )
        self.layers = nn.ModuleList(DecoderLayer(shape) for _ in range(shape.n_layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, shape.n_actions)
        steps, memory = torch.arange(horizon)[:, None], torch.arange(n_memory)
        self.register_buffer("causal", _mask(steps >= torch.arange(horizon)))
        # Action i sees the time token and the observation steps up to its own.
        self.register_buffer("seen", _mask(steps >= memory - 1))
        half = width // 2
        self.register_buffer(
            "frequencies", torch.exp(-math.log(10_000.0) * torch.arange(half) / (half - 1))
        )
        self.apply(_initialise)
        nn.init.normal_(self.position, std=0.02)
        nn.init.normal_(self.condition_position, std=0.02)

    def forward(self, x: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        """Return eps, (B, T, Da), from `x`, (B, T, Da), each row's `t`, (B,), and `cond`, (B, To, C)."""
        angles = t[:, None] * self.frequencies
        time = torch.cat([angles.sin(), angles.cos()], dim=-1)[:, None]  # (B, 1, d)
        memory = torch.cat([time, self.condition_in(cond)], dim=1) + self.condition_position
        memory = self.condition_mlp(memory.reshape(-1, self.shape.width))  # (B * M, d)
        hidden = (self.action_in(x) + self.position).reshape(-1, self.shape.width)  # (B * T, d)
        for layer in self.layers:
            hidden = layer(hidden, memory, self.causal, self.seen)
        eps = self.head(self.norm(hidden))
        return eps.view(-1, self.shape.horizon, self.shape.n_actions)


def _mask(allowed: Tensor) -> Tensor:
    # A large finite number: -inf minus -inf would be NaN under some graph optimisers.
    return torch.where(allowed, 0.0, -1e9)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
