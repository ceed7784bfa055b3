# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""How far a retrieved chunk is from what the expert would do, judged by the distance of its key."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import ShapeError

N_BINS = 32


@dataclass(frozen=True, slots=True)
class DistanceCurve:
    """The mean chunk distance in bins of key distance; it never falls.

    A mean is enough for a leap: the bound on total variation is concave in the distance, so its
    mean is at most its value at the mean (Jensen).
    """

    edges: NDArray[np.float64]
    """Largest key distance of each bin, rising, (M,)."""

    chunk_distances: NDArray[np.float64]
    """Euclidean distance of whole normalised chunks in each bin, never falling, (M,)."""

    def __post_init__(self) -> None:
        if len(self.edges) != len(self.chunk_distances) or not len(self.edges):
            sizes = f"{len(self.edges)} and {len(self.chunk_distances)}"
            raise ShapeError("`edges` and `chunk_distances`", "one length, at least 1", sizes)

    @classmethod
    def fit(
        cls,
        key_distances: NDArray[np.floating],
        chunk_distances: NDArray[np.floating],
        n_bins: int = N_BINS,
    ) -> DistanceCurve:
        """Return the isotonic regression of pairs, (n,) each, on bins of equally many pairs."""
        order = np.argsort(key_distances, kind="stable")
        parts = [part for part in np.array_split(order, n_bins) if len(part)]
        edges = np.array([key_distances[part[-1]] for part in parts], dtype=np.float64)
        means = np.array([chunk_distances[part].mean() for part in parts], dtype=np.float64)
        weights = np.array([len(part) for part in parts], dtype=np.float64)
        # A farther key with a nearer chunk is chance: a leap must not grow with the distance.
        rising = _never_falling(means, weights)
        last = np.append(np.diff(edges) > 0, True)  # of bins with one edge the last speaks for all
        return cls(edges[last], rising[last])

    def at(self, key_distances: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return chunk distances, (B,); infinite where no pair was as far, so nothing is known."""
        bins = np.searchsorted(self.edges, key_distances)
        return np.append(self.chunk_distances, np.inf)[bins]


def _never_falling(
    values: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the nearest sequence that never falls, by pooling neighbours that do."""
    pools: list[tuple[float, float, int]] = []  # mean, weight, length
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        mean, total, length = value, weight, 1
        while pools and pools[-1][0] >= mean:
            before, its_weight, its_length = pools.pop()
            mean = (mean * total + before * its_weight) / (total + its_weight)
            total, length = total + its_weight, length + its_length
        pools.append((mean, total, length))
    return np.repeat([mean for mean, _, _ in pools], [length for _, _, length in pools])
