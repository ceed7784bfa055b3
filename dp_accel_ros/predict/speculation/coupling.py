# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Reflection-maximal coupling: turn a draft into a sample of the target with the fewest changes.

The draft m_p + s z and the target N(m_q, s² I) differ in their means alone. With the gap
g = (m_p - m_q) / s,

    log r = -z.g - |g|²/2                               log of target density over draft density
    log U <= log r:   y = m_p + s z                     accepted
    otherwise:        y = m_q + s (z - 2 e (e.z))       reflected, e = g / |g|

y has the law of the target whatever the draft was (Bou-Rabee et al. 2020; De Bortoli et al. 2025,
alg. 4), and no rule that proposes once accepts more often.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.predict.schedule import Floats


def log_ratio(noise: Floats, gap: Floats, norm: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return log r (...), summed over all numbers of a chunk, for noise and gap (..., T, Da).

    `norm` is `gap_norm` of the gap, which callers need as well.
    """
    return -_dot(noise, gap) - 0.5 * norm * norm


def gap_norm(gap: Floats) -> NDArray[np.floating]:
    """Return |g| (...) of gaps (..., T, Da): how many standard deviations the means lie apart."""
    return np.sqrt(_dot(gap, gap))


def reflected(noise: Floats, gap: Floats) -> Floats:
    """Return the noise (..., T, Da) with its part along the gap, which must not be 0, reversed."""
    along = _dot(noise, gap) / _dot(gap, gap)
    return noise - 2.0 * along[..., None, None] * gap


def _dot(a: Floats, b: Floats) -> NDArray[np.floating]:
    return (a * b).sum(axis=(-2, -1))
