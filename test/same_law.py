# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Whether two samples come from one law, as far as a few thousand draws can tell."""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.spatial.distance import cdist

LEAST_P = 0.001
N_PROJECTIONS = 5
N_ENERGY = 1000


def complaints(sample: np.ndarray, base: np.ndarray, other_base: np.ndarray) -> list[str]:
    """Return what speaks against one law for sample and base (n, D); `other_base` is the null."""
    found = []
    if (p := projection_p(sample, base)) < LEAST_P:
        found.append(f"projections differ, p = {p:.2g}")
    energy, null = energy_distance(sample, base), energy_distance(other_base, base)
    if energy > 3 * null:
        found.append(f"energy distance {energy:.4f}, {null:.4f} between two base runs")
    return found


def projection_p(sample: np.ndarray, base: np.ndarray) -> float:
    """Return the least KS p-value on random projections, times their number (Bonferroni)."""
    directions = np.random.default_rng(5).normal(size=(sample.shape[1], N_PROJECTIONS))
    pairs = zip((sample @ directions).T, (base @ directions).T, strict=True)
    return N_PROJECTIONS * min(stats.ks_2samp(*pair, method="asymp").pvalue for pair in pairs)


def energy_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return 2 E|a - b| - E|a - a'| - E|b - b'| of the first rows."""
    a, b = a[:N_ENERGY], b[:N_ENERGY]
    return float(2 * cdist(a, b).mean() - cdist(a, a).mean() - cdist(b, b).mean())


def mode_p(modes: np.ndarray, base_modes: np.ndarray) -> float:
    """Return the chi-square p-value of equal mode weights."""
    table = np.array([np.bincount(m, minlength=4) for m in (modes, base_modes)])
    return float(stats.chi2_contingency(table[:, table.sum(axis=0) > 0]).pvalue)
