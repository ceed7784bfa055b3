# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""All randomness of a batch of chunks, drawn before the first step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """One noise and one uniform number for each step of each row.

    A step keeps its numbers when a draft of it is thrown away: whether an earlier step was
    accepted does not depend on them, so they are as good as new. Rows are thus independent of each
    other, and with drafts that are always accepted a chunk is that of the base sampler.
    """

    noise: NDArray[np.float32]
    """(B, N, T, Da); the first is where a chain starts, the next belongs to the first step."""

    log_uniform: NDArray[np.floating]
    """Logarithms of uniform numbers, (B, N)."""

    @classmethod
    def drawn(
        cls, rng: np.random.Generator, n_rows: int, n_steps: int, chunk_shape: tuple[int, int]
    ) -> Draws:
        """Return new draws; for one row the noise is in the order in which `Ddpm` draws it."""
        noise = rng.standard_normal((n_rows, n_steps, *chunk_shape), dtype=np.float32)
        return cls(noise, -rng.standard_exponential((n_rows, n_steps)))

    def of_steps(
        self, rows: NDArray[np.int64], steps: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.floating]]:
        """Return noise (R, K, T, Da) and log uniforms (R, K) of the steps (R, K) of rows (R,).

        The last step adds no noise; what stands there for it is to be multiplied by 0.
        """
        at = rows[:, None]
        following = np.minimum(steps + 1, self.noise.shape[1] - 1)
        return self.noise[at, following], self.log_uniform[at, steps]
