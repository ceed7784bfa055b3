# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Trajectories of a solver, kept at a few steps: what a knowledge base is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.denoiser import Denoise, Denoiser, Level
from dp_accel_ros.predict.samplers.base import Deterministic
from dp_accel_ros.predict.schedule import Floats

Known = Callable[[int, slice], NDArray[np.floating] | None]


def nothing_known(seed: int, rows: slice) -> None:
    """Return None: no trajectory was made before."""


def kept_states(
    solver: Deterministic, denoise: Denoise, start: Floats, steps: Sequence[int]
) -> NDArray[np.float32]:
    """Return the states after some numbers of steps, (B, Q, Tp, Da), of trajectories from noise.

    Args:
        solver: All of its steps.
        denoise: From chunks at a level to their clean estimate.
        start: Noise, (B, Tp, Da).
        steps: Rising, each at least 1 and below the solver's number of steps.
    """
    inner = all(1 <= step < solver.n_steps for step in steps)
    if not steps or not inner or list(steps) != sorted(set(steps)):
        rule = f"rise within 1 to {solver.n_steps - 1}"
        raise ConfigError(f"`steps` must {rule}, got {', '.join(map(str, steps)) or 'none'}")
    # A sampler shows its denoiser every state it passes, so that one run serves all steps and a
    # multistep solver keeps its history. A corrector looks ahead at a level: the last look counts.
    passed: dict[int, Floats] = {}

    def watched(x: Floats, level: Level) -> Floats:
        passed[int(level)] = x
        return denoise(x, level)

    # A deterministic solver draws nothing, and would fail here if it did.
    no_draws = cast("np.random.Generator", None)
    last = solver.first(steps[-1]).sample(watched, start, no_draws)
    states = [passed[solver.levels[step]] for step in steps[:-1]]
    return np.stack([*states, last], axis=1).astype(np.float32)


def trajectories(
    solver: Deterministic,
    denoiser: Denoiser,
    noise: NDArray[np.float32],
    conditions: NDArray[np.float32],
    steps: Sequence[int],
    batch: int = 64,
    known: Known = nothing_known,
) -> Iterator[tuple[int, slice, NDArray[np.floating]]]:
    """Yield the states of every noise under every condition, some conditions at a time.

    Args:
        solver: All of its steps.
        denoiser: The policy's.
        noise: Where trajectories start, (M, Tp, Da).
        conditions: As the solver sees them, (S, To, C).
        steps: After how many steps a state is kept, rising, (Q,).
        batch: Most trajectories that run together.
        known: From a noise and rows of the conditions to their states, if a run before left them.

    Yields:
        The noise, the rows of the conditions, and their states, (rows, Q, Tp, Da).
    """
    for seed, start in enumerate(noise):
        for first in range(0, len(conditions), batch):
            rows = slice(first, min(first + batch, len(conditions)))
            states = known(seed, rows)
            if states is None:
                given = denoiser.given(conditions[rows])
                starts = np.repeat(start[None], rows.stop - first, axis=0)
                states = kept_states(solver, given, starts, steps)
            yield seed, rows, states
