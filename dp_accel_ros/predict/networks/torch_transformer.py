# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Diffusion Policy's transformer: noisy chunk, network time and condition to predicted noise."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

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
    actions_per_token: int = 1
    """Consecutive actions that share a token; the paper has one. Training costs that much less."""

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
        if self.actions_per_token < 1 or self.horizon % self.actions_per_token:
            rule = f"`actions_per_token` must divide the horizon ({self.horizon})"
            raise ConfigError(f"{rule}, got {self.actions_per_token}")

    @property
    def n_tokens(self) -> int:
        """Tokens of a chunk (N)."""
        return self.horizon // self.actions_per_token

    @property
    def token_size(self) -> int:
        """Numbers of the actions of a token."""
        return self.n_actions * self.actions_per_token


class Attention(nn.Module):
    """Multi-head attention in plain products, which export to nodes that any runtime is quick at."""

    def __init__(self, width: int, n_heads: int, n_queries: int, n_memory: int, p: float) -> None:
        super().__init__()
        self.n_heads, self.n_queries, self.n_memory = n_heads, n_queries, n_memory
        self.head_width, self.width = width // n_heads, width
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(p)

    def forward(self, x: Tensor, pairs: Tensor, mask: Tensor) -> Tensor:
        """Return (B, N, d) from `x`, (B, N, d), and what `key_value` gave, (B, M, 2d); mask (N, M)."""
        keys, values = pairs.split(self.width, dim=-1)
        queries = self._heads(self.query(x), self.n_queries)
        keys, values = self._heads(keys, self.n_memory), self._heads(values, self.n_memory)
        scores = queries @ keys.transpose(-1, -2) / math.sqrt(self.head_width)
        weights = self.dropout(torch.softmax(scores + mask, dim=-1))
        # Sizes are constants but for the batch: shape arithmetic would cost a CPU as much as sums.
        return self.out((weights @ values).transpose(1, 2).reshape(-1, self.n_queries, self.width))

    def _heads(self, tokens: Tensor, n_tokens: int) -> Tensor:
        return tokens.reshape(-1, n_tokens, self.n_heads, self.head_width).transpose(1, 2)


class DecoderLayer(nn.Module):
    """Pre-norm self-attention, attention over the condition, and a feed-forward block."""

    def __init__(self, shape: TransformerShape) -> None:
        super().__init__()
        width, steps, memory = shape.width, shape.n_tokens, shape.n_obs_steps + 1
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.own = Attention(width, shape.n_heads, steps, steps, shape.dropout)
        self.cross = Attention(width, shape.n_heads, steps, memory, shape.dropout)
        self.feed = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def pairs(self, memory: Tensor) -> Tensor:
        """Return keys and values, (B, M, 2d), of condition tokens, (B, M, d)."""
        return self.cross.key_value(memory)

    def forward(self, x: Tensor, pairs: Tensor, causal: Tensor, seen: Tensor) -> Tensor:
        """Return (B, N, d) from tokens `x` and the condition's keys and values, (B, M, 2d)."""
        normed = self.norms[0](x)
        x = x + self.own(normed, self.own.key_value(normed), causal)
        x = x + self.cross(self.norms[1](x), pairs, seen)
        return x + self.feed(self.norms[2](x))


class DenoisingTransformer(nn.Module):
    """A minGPT-like decoder over actions with [time, observation steps] as condition tokens.

    The two halves of `forward` are of use alone: nothing of `memory` depends on the chunk, and each
    of its tokens depends on one input only, so inference computes it once and not once a step.
    """

    causal: Tensor
    seen: Tensor
    frequencies: Tensor

    def __init__(self, shape: TransformerShape) -> None:
        super().__init__()
        self.shape = shape
        width, n_tokens, n_memory = shape.width, shape.n_tokens, shape.n_obs_steps + 1
        self.action_in = nn.Linear(shape.token_size, width)
        self.position = nn.Parameter(torch.zeros(1, n_tokens, width))
        self.condition_in = nn.Linear(shape.n_features, width)
        self.condition_position = nn.Parameter(torch.zeros(1, n_memory, width))
        self.condition_mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.Mish(), nn.Linear(4 * width, width)
        )
        self.layers = nn.ModuleList(DecoderLayer(shape) for _ in range(shape.n_layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, shape.token_size)
        tokens, memory = torch.arange(n_tokens)[:, None], torch.arange(n_memory)
        self.register_buffer("causal", _mask(tokens >= torch.arange(n_tokens)))
        # An action sees the time token and the observation steps up to its own, or its token's last.
        newest = (tokens + 1) * shape.actions_per_token - 1
        self.register_buffer("seen", _mask(newest >= memory - 1))
        half = width // 2
        self.register_buffer(
            "frequencies", torch.exp(-math.log(10_000.0) * torch.arange(half) / (half - 1))
        )
        self.apply(_initialise)
        nn.init.normal_(self.position, std=0.02)
        nn.init.normal_(self.condition_position, std=0.02)

    def forward(self, x: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        """Return eps, (B, T, Da), from `x`, (B, T, Da), each row's `t`, (B,), and `cond`, (B, To, C)."""
        return self.decode(x, self.memory(t, cond))

    def memory(self, t: Tensor, cond: Tensor) -> Tensor:
        """Return keys and values of all layers for [t, the steps of `cond`], (B, 1 + To, 2 L d)."""
        return self.memory_of(self.embedded(t), cond)

    def embedded(self, t: Tensor) -> Tensor:
        """Return the sinusoidal embedding, (B, d), of times, (B,)."""
        angles = t[:, None] * self.frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=-1)

    def memory_of(self, time: Tensor, cond: Tensor) -> Tensor:
        """Return what `memory` gives for a time that is embedded already, (B, d)."""
        tokens = torch.cat([time[:, None], self.condition_in(cond)], dim=1)
        return self._pairs(tokens, self.condition_position)

    def time_memory(self, t: Tensor) -> Tensor:
        """Return the part of `memory` that comes from times, (B,), alone: (B, 1, 2 L d)."""
        return self._pairs(self.embedded(t)[:, None], self.condition_position[:, :1])

    def condition_memory(self, cond: Tensor) -> Tensor:
        """Return the part of `memory` that comes from conditions alone, (B, To, 2 L d)."""
        return self._pairs(self.condition_in(cond), self.condition_position[:, 1:])

    def _pairs(self, tokens: Tensor, position: Tensor) -> Tensor:
        tokens = self.condition_mlp(tokens + position)
        layers = cast("Iterable[DecoderLayer]", self.layers)
        return torch.cat([layer.pairs(tokens) for layer in layers], dim=-1)

    def decode(self, x: Tensor, memory: Tensor) -> Tensor:
        """Return eps, (B, T, Da), from `x`, (B, T, Da), and what `memory` gave."""
        shape = self.shape
        tokens = x.reshape(-1, shape.n_tokens, shape.token_size)
        hidden = self.action_in(tokens) + self.position  # (B, N, d)
        pairs = memory.split(2 * self.shape.width, dim=-1)
        for layer, pair in zip(self.layers, pairs, strict=True):
            hidden = layer(hidden, pair, self.causal, self.seen)
        eps = self.head(self.norm(hidden))
        return eps.reshape(-1, shape.horizon, shape.n_actions)


class Conditioner(nn.Module):
    """The half of a denoising transformer that runs once a condition, as a module to export."""

    def __init__(self, network: DenoisingTransformer) -> None:
        super().__init__()
        self.network = network

    def forward(self, t: Tensor, cond: Tensor) -> Tensor:
        """Return the memory, (B, 1 + To, 2 L d)."""
        return self.network.memory(t, cond)


class Decoder(nn.Module):
    """The half of a denoising transformer that runs at every denoising step."""

    def __init__(self, network: DenoisingTransformer) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        """Return eps, (B, T, Da)."""
        return self.network.decode(x, memory)


def _mask(allowed: Tensor) -> Tensor:
    # A large finite number: -inf minus -inf would be NaN under some graph optimisers.
    return torch.where(allowed, 0.0, -1e9)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
