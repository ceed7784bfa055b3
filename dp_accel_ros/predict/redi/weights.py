# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""How found neighbours are mixed: weights with which their keys come near the query.

The same weights then mix what belongs to the keys. Where that depends on the key affinely, only
weights of sum 1 carry the constant over.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Weigh = Callable[[Floats, Floats], NDArray[np.float64]]
"""From queries (B, K) and the keys of their neighbours (B, H, K), nearest first, to (B, H)."""

RIDGE = 1e-6
"""Share of the mean squared gap that is added, so that keys in one line do not blow weights up."""

TINY = 1e-12


def nearest(queries: Floats, keys: Floats) -> NDArray[np.float64]:
    """Return 1 for the nearest neighbour and 0 for the others."""
    weights = np.zeros(keys.shape[:2])
    weights[:, 0] = 1.0
    return weights


def least_squares(queries: Floats, keys: Floats) -> NDArray[np.float64]:
    """Return the weights of least norm among those nearest to the query; any sum, any sign."""
    # Keys of one noise lie close together: an inverse magnifies what float32 would round off.
    pseudo_inverse = np.linalg.pinv(keys.astype(np.float64))  # (B, K, H)
    return np.einsum("bk,bkh->bh", queries, pseudo_inverse)


def affine(queries: Floats, keys: Floats) -> NDArray[np.float64]:
    """Return weights of sum 1, nearly those nearest to the query (Roweis & Saul 2000)."""
    gram = _gap_products(queries, keys)
    n = gram.shape[1]
    ridge = RIDGE * np.trace(gram, axis1=1, axis2=2) / n + TINY
    gram += ridge[:, None, None] * np.eye(n)
    weights = np.linalg.solve(gram, np.ones((len(gram), n, 1)))[..., 0]
    return weights / weights.sum(axis=1, keepdims=True)


def simplex(queries: Floats, keys: Floats) -> NDArray[np.float64]:
    """Return weights of sum 1, none negative: the point of the convex hull nearest to the query."""
    return np.stack([_nearest_in_hull(gram) for gram in _gap_products(queries, keys)])


WEIGHTS: dict[str, Weigh] = {
    "nn": nearest,
    "ls": least_squares,
    "affine": affine,
    "simplex": simplex,
}


def _gap_products(queries: Floats, keys: Floats) -> NDArray[np.float64]:
    """Return inner products of key - query, (B, H, H)."""
    gaps = keys.astype(np.float64) - queries[:, None]
    return gaps @ gaps.swapaxes(1, 2)


def _nearest_in_hull(gram: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights (H,) of the hull's point of least norm, given inner products (H, H).

    Wolfe 1976: the corral, a set of points that all have weight, grows by the point that lies
    deepest below the current one, and drops points as long as its affine minimum is outside.
    """
    tolerance = TINY + 1e-10 * float(gram.diagonal().max())
    weights = np.zeros(len(gram))
    weights[int(gram.diagonal().argmin())] = 1.0
    # Every round lowers the norm, so no corral comes twice; the limit is for rounding errors alone.
    for _ in range(4 * len(gram)):
        products = gram @ weights
        entering = int(products.argmin())
        if weights[entering] > 0 or products[entering] > weights @ products - tolerance:
            break
        corral = np.append(np.flatnonzero(weights), entering)
        weights = _within(gram, weights, corral)
    return weights


def _within(
    gram: NDArray[np.float64], weights: NDArray[np.float64], corral: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the best weights on a corral, after dropping points from it that would turn negative."""
    while True:
        block = gram[np.ix_(corral, corral)]
        regular = block + (RIDGE * np.trace(block) * 1e-3 + TINY) * np.eye(len(corral))
        best = np.linalg.solve(regular, np.ones(len(corral)))
        best /= best.sum()
        if (best > 0).all():
            found = np.zeros(len(gram))
            found[corral] = best
            return found
        old = weights[corral]
        reaches = np.where(best > 0, np.inf, old / np.maximum(old - best, TINY))
        leaving = int(reaches.argmin())
        mixed = old + reaches[leaving] * (best - old)
        mixed[leaving] = 0.0
        weights = np.zeros(len(gram))
        weights[corral] = mixed / mixed.sum()
        corral = corral[mixed > 0]
