# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Raw units to [-1, 1] and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import ConfigError, NotFiniteError, ShapeError
from dp_accel_ros.manifest.parts import Bounds

NEAR_CONSTANT = 1e-4
"""A range below this is noise, not motion: scaling it up would feed noise to the network."""


@dataclass(frozen=True, slots=True)
class Normalizer:
    """Maps each dimension's minimum to -1 and its maximum to 1; near-constant ones only shift."""

    centre: NDArray[np.float32]
    """Raw value that becomes 0, (D,)."""

    half_range: NDArray[np.float32]
    """Raw distance from 0 to 1, (D,)."""

    @classmethod
    def between(cls, minimum: NDArray[np.floating], maximum: NDArray[np.floating]) -> Normalizer:
        """Return the normalizer of the smallest and largest values per dimension, (D,) each."""
        low, high = np.asarray(minimum, np.float64), np.asarray(maximum, np.float64)
        if low.ndim != 1 or low.shape != high.shape:
            raise ShapeError("`maximum`", f"shape {low.shape}", high.shape)
        bad = ~(np.isfinite(low) & np.isfinite(high))
        if bad.any():
            raise NotFiniteError("bounds", int(bad.sum()), bad.size)
        if (low > high).any():
            at = int(np.argmax(low > high))
            raise ConfigError(f"`minimum` exceeds `maximum` at {at}: {low[at]} and {high[at]}")
        half = np.where(high - low < NEAR_CONSTANT, 1.0, (high - low) / 2)
        return cls(_constant((low + high) / 2), _constant(half))

    @classmethod
    def from_bounds(cls, bounds: Bounds) -> Normalizer:
        """Return the normalizer that a manifest describes."""
        return cls.between(np.array(bounds.minimum), np.array(bounds.maximum))

    def normalize(self, raw: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return raw values (..., D) in [-1, 1] units."""
        return ((raw - self.centre) / self.half_range).astype(np.float32)

    def unnormalize(self, normalised: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return normalised values (..., D) in raw units."""
        return (normalised * self.half_range + self.centre).astype(np.float32)


def _constant(values: NDArray[np.float64]) -> NDArray[np.float32]:
    array = values.astype(np.float32)
    array.setflags(write=False)
    return array
