# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""How far apart two DDIM trajectories drift: the bound of ReDi's theorem, and what is measured.

    |x_v - value|  <=  product of L_t  *  |x_k - key|  +  what two conditions add

With the noise estimate Lipschitz in x, a step of DDIM stretches a distance at most by
L_t = alpha_s / alpha_t + |b_t| * lipschitz_t, b_t = sigma_s - alpha_s sigma_t / alpha_t, from level
t to s. The bound adds up every step's worst case, so it is far above what happens: trajectories of
one policy contract.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.schedule import Floats, NoiseSchedule


def expansion_bound(
    schedule: NoiseSchedule,
    levels: Sequence[int],
    lipschitz: ArrayLike,
    key_distance: float = 1.0,
    condition_gap: ArrayLike = 0.0,
) -> float:
    """Return the most by which a looked up value can differ from the state that it stands for.

    Args:
        schedule: The noise levels.
        levels: Those of the states from key to value, falling, (n + 1,) for n DDIM steps.
        lipschitz: Of the noise estimate in x, one number or one for every step, (n,).
        key_distance: Between query and key, L2 over the whole chunk.
        condition_gap: Most that the noise estimate differs between the conditions of query and key,
            L2 over the whole chunk, one number or one for every step, (n,).
    """
    stretches, of_eps = _factors(schedule, levels, lipschitz)
    gaps = np.broadcast_to(np.asarray(condition_gap, dtype=np.float64), of_eps.shape)
    distance = key_distance
    for stretch, factor, gap in zip(stretches, of_eps, gaps, strict=True):
        # What a step adds is stretched by all later ones, so the sum is built up on the way.
        distance = stretch * distance + factor * gap
    return float(distance)


def expansion_factors(
    flow: Callable[[Floats], Floats],
    keys: Floats,
    rng: np.random.Generator,
    *,
    size: float = 1e-2,
) -> NDArray[np.float64]:
    """Return by how much a small step away from each key is stretched, (B,), measured.

    Args:
        flow: From states (B, T, Da) at the key step to those at the value step, under one condition.
        keys: States at the key step, (B, T, Da).
        rng: Draws one direction for each key.
        size: Length of the step, L2 over the whole chunk; shorter drowns in rounding errors.
    """
    directions = rng.standard_normal(keys.shape, dtype=np.float32)
    directions *= size / _norms(directions)[:, None, None]
    return _norms(flow(keys + directions) - flow(keys)) / size


def lipschitz_estimate(
    predict: Callable[[Floats], Floats],
    states: Floats,
    rng: np.random.Generator,
    *,
    rounds: int = 8,
    size: float = 1e-2,
) -> float:
    """Return the largest stretch by a network that a search from some states finds.

    Each round steps in the direction that the last one gave (power iteration), so the number is a
    lower bound of the true constant.

    Args:
        predict: From states (B, T, Da) at one level to predictions (B, T, Da).
        states: Where the search starts, (B, T, Da).
        rng: Draws the first directions.
        rounds: Rounds of the search.
        size: Length of a step, L2 over the whole chunk.
    """
    here, worst = predict(states), 0.0
    change = rng.standard_normal(states.shape, dtype=np.float32)
    for _ in range(rounds):
        step = change * (size / np.maximum(_norms(change), 1e-12))[:, None, None]
        change = predict((states + step).astype(states.dtype)) - here
        worst = max(worst, float(_norms(change).max()) / size)
    return worst


def _factors(
    schedule: NoiseSchedule, levels: Sequence[int], lipschitz: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return L_t and |b_t| of every step, (n,) each."""
    if len(levels) < 2 or any(high <= low for high, low in pairwise(levels)):
        raise ConfigError(f"`levels` must fall and be at least two, got {tuple(levels)}")
    (alpha, sigma), (alpha_next, sigma_next) = (
        np.array([schedule.at(level) for level in part]).T for part in (levels[:-1], levels[1:])
    )
    of_eps = np.abs(sigma_next - alpha_next * sigma / alpha)
    return alpha_next / alpha + of_eps * np.asarray(lipschitz), of_eps


def _norms(arrays: Floats) -> NDArray[np.float64]:
    """Return the L2 norm of every row, (B,)."""
    return np.linalg.norm(arrays.reshape(len(arrays), -1).astype(np.float64), axis=1)
