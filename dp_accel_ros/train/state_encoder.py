# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Encoders of policies without cameras: there is nothing to see, so there is nothing to learn."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

TYPICAL_SIMILARITY = 0.9
"""Cosine of a frame's embedding with that of its nearest frame in another demonstration."""


class StateEncoder(nn.Module):
    """`features` is [standardised state, normalised joints], (B, S + Dj).

    These are the features of a visual encoder that never errs, in the same order.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: NDArray[np.float32], deviation: NDArray[np.float32]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(mean))
        self.register_buffer("deviation", torch.from_numpy(deviation))

    def forward(self, joints: Tensor, state: Tensor) -> Tensor:
        """Return features from normalised joints, (B, Dj), and raw state, (B, S)."""
        return torch.cat([(state - self.mean) / self.deviation, joints], dim=-1)


class StateKeys(nn.Module):
    """ALT's embedding, (B, 2 F): unit vectors whose cosine says how near two features are.

    Random Fourier features (Rahimi and Recht 2007): the cosine of two embeddings estimates
    exp(-d² / 2 `length`²) of the distance d of their features, so near states have near keys
    whatever the direction and length of their features, which scaling them to norm 1 would lose.
    """

    frequencies: Tensor

    def __init__(
        self, encoder: StateEncoder, n_features: int, length: float, n_frequencies: int = 64
    ) -> None:
        super().__init__()
        self.encoder = encoder
        drawn = orthogonal_frequencies(n_features, n_frequencies) / length
        self.register_buffer("frequencies", torch.from_numpy(drawn.astype(np.float32)))

    def forward(self, joints: Tensor, state: Tensor) -> Tensor:
        """Return unit vectors from normalised joints, (B, Dj), and raw state, (B, S)."""
        phases = self.encoder(joints, state) @ self.frequencies
        waves = torch.cat([torch.cos(phases), torch.sin(phases)], dim=-1)
        return waves / self.frequencies.shape[1] ** 0.5


def orthogonal_frequencies(n_features: int, count: int, seed: int = 0) -> NDArray[np.float64]:
    """Return frequencies of a unit Gaussian kernel, (C, F), orthogonal in groups of C.

    Each alone is drawn as for independent ones; together they err less (Yu et al. 2016).
    """
    rng, blocks = np.random.default_rng(seed), []
    for _ in range(-(-count // n_features)):
        turned, _ = np.linalg.qr(rng.normal(size=(n_features, n_features)))
        lengths = np.linalg.norm(rng.normal(size=(n_features, n_features)), axis=0)
        blocks.append(turned * lengths)
    return np.concatenate(blocks, axis=1)[:, :count]


def kernel_length(distances: NDArray[np.float32]) -> float:
    """Return the `length` that gives nearest frames elsewhere their typical similarity.

    Args:
        distances: Of each frame's features to the nearest in another episode, (N,).
    """
    typical = float(np.median(distances))
    return max(typical, 1e-3) / float(np.sqrt(-2.0 * np.log(TYPICAL_SIMILARITY)))
