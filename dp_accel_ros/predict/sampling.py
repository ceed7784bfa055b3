# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A sampler's whole loop, on whatever runs it fastest."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.networks import Network
from dp_accel_ros.predict.samplers import Sampler
from dp_accel_ros.predict.schedule import Floats


@runtime_checkable
class LoopNetwork(Network, Protocol):
    """A network that can run the loop of a sampler as one call."""

    def loop(
        self,
        denoiser: Denoiser,
        sampler: Sampler,
        condition: Floats,
        x: Floats,
        rng: np.random.Generator,
    ) -> Floats:
        """Return what the sampler gives with the denoiser, which has this network, for `x`."""
        ...


def sampled(
    denoiser: Denoiser, sampler: Sampler, condition: Floats, x: Floats, rng: np.random.Generator
) -> Floats:
    """Return what a sampler makes of chunks under a condition.

    Args:
        denoiser: Whose estimate the sampler follows.
        sampler: A loop over noise levels.
        condition: (B, To, C), or one row (1, To, C) for all chunks.
        x: Noise at the sampler's first level, (B, T, Da).
        rng: What the sampler draws is drawn from it, in the same order on every network.
    """
    network = denoiser.network
    if isinstance(network, LoopNetwork):
        return network.loop(denoiser, sampler, condition, x, rng)
    return sampler.sample(denoiser.given(condition), x, rng)
