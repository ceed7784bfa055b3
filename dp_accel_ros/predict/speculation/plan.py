# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""How boldly to speculate in each stage of the diffusion: what a chunk scheduler decides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.speculation.rules.base import Settings

STAGES = 3
"""Thirds of the noise levels, the noisiest first; levels 99-67, 66-34 and 33-0 of 100."""

LIMITS = {"draft_length": (0, 1000), "sigma_scale": (1.0, 10.0), "threshold": (1e-6, 1.0)}


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftPlan:
    """One number a stage, the noisiest stage first."""

    draft_length: tuple[int, ...]
    """Drafts in a round (K); 0 takes the steps one by one."""

    sigma_scale: tuple[float, ...] = (1.0,) * STAGES
    """Factor on the standard deviation in the test of `tempered` and `threshold`."""

    threshold: tuple[float, ...] = (1.0,) * STAGES
    """Least density ratio of `threshold` (lambda)."""

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            values = getattr(self, name)
            if len(values) != STAGES or not all(low <= value <= high for value in values):
                rule = f"{STAGES} numbers from {low:g} to {high:g}"
                raise ConfigError(f"`{name}` must be {rule}, got {values}")

    @classmethod
    def uniform(
        cls, draft_length: int, sigma_scale: float = 1.0, threshold: float = 1.0
    ) -> DraftPlan:
        """Return the plan with the same numbers in every stage."""
        return cls(
            draft_length=(draft_length,) * STAGES,
            sigma_scale=(sigma_scale,) * STAGES,
            threshold=(threshold,) * STAGES,
        )

    @classmethod
    def parsed(cls, text: str) -> DraftPlan:
        """Return the plan that `str` of it gives: `K:sigma_scale:threshold` for each stage.

        Raises:
            ConfigError: It is written in another way, or a number is out of range.
        """
        try:
            stages = [stage.split(":") for stage in text.split(",")]
            columns = [(int(k), float(s), float(t)) for k, s, t in stages]
        except ValueError as error:
            example = "10:1:0.9,25:1:0.9,5:1.5:0.9"
            raise ConfigError(f"`plan` must be written as in {example}, got {text!r}") from error
        lengths, scales, thresholds = zip(*columns, strict=True)
        return cls(draft_length=lengths, sigma_scale=scales, threshold=thresholds)

    def __str__(self) -> str:
        rows = zip(self.draft_length, self.sigma_scale, self.threshold, strict=True)
        return ",".join(f"{k}:{scale:g}:{least:g}" for k, scale, least in rows)

    def lengths(self, levels: NDArray[np.int64], n_levels: int) -> NDArray[np.int64]:
        """Return the draft length at steps that start from levels (N,) of `n_levels`, (N,)."""
        return np.array(self.draft_length)[stage_of(levels, n_levels)]

    def settings(self, levels: NDArray[np.int64], n_levels: int) -> Settings:
        """Return what tunes the accept rule at each step, (N,)."""
        stages = stage_of(levels, n_levels)
        return Settings(np.array(self.sigma_scale)[stages], np.array(self.threshold)[stages])


def stage_of(levels: NDArray[np.int64], n_levels: int) -> NDArray[np.int64]:
    """Return the stage, from 0 for the noisiest, of levels (N,) out of `n_levels`."""
    return STAGES - 1 - STAGES * levels // n_levels


def within_reach(lengths: NDArray[np.int64], guard: int = 1) -> NDArray[np.int64]:
    """Return draft lengths (..., N) cut so that no draft makes one of the last `guard` steps.

    The very last step is never drafted: it adds no noise, so that no test could accept it.
    """
    n_steps = lengths.shape[-1]
    reach = n_steps - max(guard, 1) - np.arange(n_steps)
    return np.minimum(lengths, np.maximum(reach, 0))
