# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Whether two samples come from one law, as far as a few thousand draws can tell."""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.spatial.distance import cdist

LEAST_P = 0.001
N_PROJECTIONS = 5
N_ENERGY = 500
N_SHUFFLES = 1999


def complaints(sample: np.ndarray, base: np.ndarray) -> list[str]:
    """Return what speaks against one law for sample and base (n, D)."""
    found = {
        "projections": projection_p(sample, base),
        "energy distance": energy_p(sample, base),
    }
    return [f"{what}: p = {p:.2g}" for what, p in found.items() if p < LEAST_P]


def projection_p(sample: np.ndarray, base: np.ndarray) -> float:
    """Return the least KS p-value on random projections, times their number (Bonferroni)."""
    directions = np.random.default_rng(5).normal(size=(sample.shape[1], N_PROJECTIONS))
    pairs = zip((sample @ directions).T, (base @ directions).T, strict=True)
    return N_PROJECTIONS * min(stats.ks_2samp(*pair, method="asymp").pvalue for pair in pairs)


def energy_p(sample: np.ndarray, base: np.ndarray) -> float:
    """Return how often shuffled rows lie as far apart as sample and base do.

    Shuffling knows how much the distance of two equal laws varies; with modes that is tenfold.
    """
    rows = np.concatenate([sample[:N_ENERGY], base[:N_ENERGY]])
    apart = cdist(rows, rows).astype(np.float32)
    side = np.repeat(np.float32([1, -1]), len(rows) // 2)
    rng = np.random.default_rng(6)
    sides = np.stack([side, *(rng.permutation(side) for _ in range(N_SHUFFLES))])
    energies = -np.einsum("sn,sn->s", sides @ apart, sides)  # 2 E|a - b| - E|a - a'| - E|b - b'|
    return float((energies >= energies[0]).mean())


def mode_p(modes: np.ndarray, base_modes: np.ndarray) -> float:
    """Return the chi-square p-value of equal mode weights."""
    table = np.array([np.bincount(m, minlength=4) for m in (modes, base_modes)])
    return float(stats.chi2_contingency(table[:, table.sum(axis=0) > 0]).pvalue)


def variation(chunks: np.ndarray, base: np.ndarray) -> float:
    """Return the total variation of chunks (n, 2) in 12 x 12 cells: at most that of their laws."""
    return 0.5 * float(np.abs(_binned(chunks) - _binned(base)).sum())


def _binned(chunks: np.ndarray) -> np.ndarray:
    cells, _, _ = np.histogram2d(*chunks.T, bins=12, range=[[-1, 1], [-1, 1]])
    return cells.ravel() / len(chunks)
