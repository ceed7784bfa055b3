# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Chunks and conditions of the demonstrations, as every denoiser learns from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dp_accel_ros.data.windows import WindowShape, training_windows
from dp_accel_ros.train.loop import Draw, best_device


@dataclass(frozen=True, slots=True)
class DiffusionData:
    """Demonstrations as the denoiser sees them."""

    features: NDArray[np.float32]
    """Encoder features of every frame, (N, C)."""

    actions: NDArray[np.float32]
    """Normalised actions of every frame, (N, Da)."""

    ends: NDArray[np.int64]
    feature_noise: NDArray[np.float32]
    """Standard deviation of the augmentation of each feature, (C,)."""


class ChunkBatch(NamedTuple):
    """Some windows of the demonstrations."""

    clean: Tensor
    """Normalised chunks, (B, T, Da)."""

    cond: Tensor
    """Conditions with the augmentation's noise, (B, To, C)."""


class ChunkBatches:
    """Draws windows that lie on the training device."""

    def __init__(self, data: DiffusionData, shape: WindowShape, batch_size: int) -> None:
        device = best_device()
        windows = training_windows(data.ends, shape)
        self.batch_size = batch_size
        self._conditions = torch.from_numpy(data.features[windows.observations]).to(device)
        self._chunks = torch.from_numpy(data.actions[windows.index]).to(device)
        self._noise = torch.from_numpy(data.feature_noise).to(device)

    def drawn(self, draw: Draw) -> ChunkBatch:
        """Return the batch of one training step."""
        rows = torch.from_numpy(draw.rng.integers(len(self._chunks), size=self.batch_size))
        rows, rng = rows.to(self._chunks.device), draw.torch_rng
        cond = self._conditions[rows]
        # The encoder errs alike on neighbouring frames, so all steps of a window share the noise.
        shift = torch.randn((len(rows), 1, cond.shape[-1]), generator=rng, device=rng.device)
        return ChunkBatch(self._chunks[rows], cond + shift * self._noise)
