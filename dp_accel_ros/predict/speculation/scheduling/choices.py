# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What a learned scheduler may choose, and how the numbers of a network say it.

An actor gives one number in [-1, 1] for each knob and stage. A draft length is the entry of
`DRAFT_LENGTHS` that far along; the other knobs lie that far between their ends. Knobs that an
accept rule has no use for are not chosen: a network cannot learn what has no effect.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import NotFiniteError, ShapeError, UnknownNameError
from dp_accel_ros.predict.speculation.plan import STAGES, DraftPlan

DRAFT_LENGTHS = (1, 2, 3, 5, 8, 10, 15, 20, 25, 30, 40)
SIGMA_SCALES = (1.0, 3.0)
THRESHOLDS = (0.1, 1.0)

KNOBS: dict[str, tuple[str, ...]] = {
    "exact": ("draft_length",),
    "tempered": ("draft_length", "sigma_scale"),
    "threshold": ("draft_length", "sigma_scale", "threshold"),
}
"""Accept rule to what a plan for it is made of."""


def output_names(accept: str) -> tuple[str, ...]:
    """Return what each number of an actor stands for, all stages of one knob together.

    Raises:
        UnknownNameError: There is no such accept rule.
    """
    if accept not in KNOBS:
        raise UnknownNameError("accept rule", accept, KNOBS)
    return tuple(f"{knob}_{stage}" for knob in KNOBS[accept] for stage in range(STAGES))


def plan_from(action: NDArray[np.floating], accept: str) -> DraftPlan:
    """Return the plan that an actor's numbers (A,) stand for; what is past an end is that end.

    Raises:
        ShapeError: There are more or fewer numbers than `output_names`.
        NotFiniteError: A number is NaN or infinite.
    """
    names = output_names(accept)
    if np.shape(action) != (len(names),):
        raise ShapeError("scheduler action", (len(names),), np.shape(action))
    bad = ~np.isfinite(action)
    if bad.any():
        raise NotFiniteError("scheduler action", int(bad.sum()), len(names))
    along = (np.clip(np.asarray(action, np.float64), -1.0, 1.0) + 1.0) / 2.0
    chosen = dict(zip(KNOBS[accept], along.reshape(-1, STAGES), strict=True))
    places = np.rint(chosen["draft_length"] * (len(DRAFT_LENGTHS) - 1)).astype(int)
    ends = {"sigma_scale": SIGMA_SCALES, "threshold": THRESHOLDS}
    others = {name: _between(ends[name], chosen[name]) for name in KNOBS[accept][1:]}
    return DraftPlan(draft_length=tuple(DRAFT_LENGTHS[place] for place in places), **others)


def _between(ends: tuple[float, float], along: NDArray[np.float64]) -> tuple[float, ...]:
    low, high = ends
    # two decimals are what a decision carries in words, so that both sides mean the same plan
    return tuple(round(float(low + (high - low) * share), 2) for share in along)
