# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Augmentations of frames as the networks see them, (B, 3, H, W) in [-1, 1], one draw a sample.

They act in training only: nothing random ever enters the retrieval store.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

_TO_YIQ = ((0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))


def _uniform(shape: tuple[int, ...], limit: float, rng: torch.Generator) -> Tensor:
    unit = torch.rand(shape, generator=rng, device=rng.device)
    return (2.0 * unit - 1.0) * limit


@dataclass(frozen=True, slots=True, kw_only=True)
class ColorJitter:
    """Brightness, contrast, saturation and hue, each drawn evenly within its limit."""

    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2
    hue: float = 0.05
    """Of a full turn of the colour circle."""

    noise: float = 0.0
    """Standard deviation of pixel noise."""

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Return jittered frames."""
        n = len(images)
        bright, contrast, saturation = (
            1.0 + _uniform((n, 1, 1), limit, rng)
            for limit in (self.brightness, self.contrast, self.saturation)
        )
        colour = self._colour(saturation.flatten(), n, rng)  # (B, 3, 3)
        pixels = images.flatten(2)  # (B, 3, H * W)
        grey = pixels.mean(dim=(1, 2), keepdim=True) + 1.0
        # All of it is linear in the pixels, and one product per frame is what a CPU can afford.
        offset = colour @ (bright * (contrast + (1.0 - contrast) * grey)).expand(n, 3, 1) - 1.0
        x = torch.baddbmm(offset, bright * contrast * colour, pixels).view_as(images)
        if self.noise:
            x = x + self.noise * torch.randn(x.shape, generator=rng, device=x.device)
        return x.clamp(-1.0, 1.0)

    def _colour(self, saturation: Tensor, n: int, rng: torch.Generator) -> Tensor:
        """Return matrices, (B, 3, 3), that turn and scale the chroma plane."""
        angle = _uniform((n,), 2 * torch.pi * self.hue, rng)
        cos, sin = saturation * angle.cos(), saturation * angle.sin()
        one, zero = torch.ones_like(cos), torch.zeros_like(cos)
        rows = [one, zero, zero, zero, cos, -sin, zero, sin, cos]
        to_yiq = torch.tensor(_TO_YIQ, device=rng.device)
        return torch.linalg.inv(to_yiq) @ torch.stack(rows, 1).view(n, 3, 3) @ to_yiq


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomResizedCrop:
    """A square part of the frame, resized to the frame; no flip, which would mirror the arm."""

    min_scale: float = 0.9
    """Smallest share of the frame's area that is kept."""

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Return cropped frames of the same size."""
        n = len(images)
        share = torch.rand((n,), generator=rng, device=images.device)
        side = (self.min_scale + (1.0 - self.min_scale) * share).sqrt()
        shift = _uniform((n, 2), 1.0, rng) * (1.0 - side)[:, None]
        theta = torch.zeros((n, 2, 3), device=images.device)
        theta[:, 0, 0] = theta[:, 1, 1] = side
        theta[:, :, 2] = shift
        grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
        return functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
