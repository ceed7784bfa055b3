# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Whole chains that are made in rounds on a mixture, with one drafter or another."""

from __future__ import annotations

from functools import cache

import numpy as np
from gmm_policy import Mixture, NetworkDrafter, run, speculation
from same_law import complaints, mode_p

from dp_accel_ros.predict.speculation.drafters import (
    DRAFTERS,
    FrozenEstimate,
    Opening,
    Recalled,
)
from dp_accel_ros.predict.speculation.drafters.openings import no_opening

FROZEN, FRESH = (DRAFTERS[name](None, None) for name in ("frozen", "frozen_fresh"))
RECALLED = Recalled("recalled", no_opening)


def opened_with(mixture: Mixture, known: bool = True) -> FrozenEstimate:
    """Return a drafter that always guesses the first mode, as a retrieved chunk might."""
    chunk = mixture.means[0].astype(np.float32).reshape(mixture.chunk_shape)

    def source(condition, previous):
        return Opening(np.tile(chunk, (len(condition), 1, 1)), np.full(len(condition), known))

    return FrozenEstimate("opened", "estimate", source)


def poor_network(mixture: Mixture) -> NetworkDrafter:
    """Return a drafter with means that are a little wrong and all modes equally likely."""
    off = np.random.default_rng(9).normal(scale=0.01, size=mixture.means.shape)
    return NetworkDrafter(Mixture(mixture.means + off, (0.25,) * 4).denoiser())


MAKERS = {
    "frozen": lambda mixture: FROZEN,
    "fresh": lambda mixture: FRESH,
    "recalled": lambda mixture: RECALLED,
    "opened": opened_with,
    "network": poor_network,
}


@cache
def base_chunks(size: int, n: int, seed: int) -> np.ndarray:
    return Mixture.of_size(size).base_run(n, seed)


def problems(mixture: Mixture, chains) -> list[str]:
    """Return what speaks against the base sampler's law."""
    n = len(chains.x)
    chunks, base = chains.x.reshape(n, -1), base_chunks(mixture.size, n, 11)
    found = complaints(chunks, base)
    if (p := mode_p(mixture.modes(chunks), mixture.modes(base))) < 0.001:
        found.append(f"mode weights {mixture.mode_weights(chunks)}, p = {p:.2g}")
    return found


def sampled(size, maker, draft_length, n, accept="exact", seed=1, **options):
    """Return a mixture of `size` numbers and `n` chains that were made on it."""
    mixture = Mixture.of_size(size)
    drafter = MAKERS[maker](mixture)
    opening = drafter.opening(np.zeros((n, 1, 1), np.float32), [None] * n)
    made = speculation(drafter, accept, **options)
    return mixture, run(made, mixture, draft_length, n, seed, opening)
