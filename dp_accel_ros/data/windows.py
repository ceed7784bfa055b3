# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Windows over episodes, cut as Diffusion Policy cuts them.

A window is `horizon` frames of one episode; where it reaches over an end of the episode, the
frame at that end is repeated. Its index `n_obs_steps - 1` is "now".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowShape:
    """How many steps a policy sees (To), predicts (Tp) and runs (Ta)."""

    n_obs_steps: int = 2
    horizon: int = 16
    n_action_steps: int = 8

    def __post_init__(self) -> None:
        if min(self.n_obs_steps, self.horizon, self.n_action_steps) < 1:
            raise ConfigError(f"every length of a window must be at least 1, got {self}")
        if self.n_action_steps > self.horizon - self.n_obs_steps + 1:
            rule = f"{self.horizon - self.n_obs_steps + 1} (`horizon` - `n_obs_steps` + 1)"
            raise ConfigError(
                f"`n_action_steps` must be at most {rule}, got {self.n_action_steps}"
            )


@dataclass(frozen=True, slots=True)
class Windows:
    """Row numbers of every window."""

    index: NDArray[np.int64]
    """Rows of each window's steps, (W, Tp); edges repeated, never across an episode's end."""

    n_obs_steps: int

    def __len__(self) -> int:
        return len(self.index)

    @property
    def observations(self) -> NDArray[np.int64]:
        """Rows that the policy sees, oldest first, (W, To)."""
        return self.index[:, : self.n_obs_steps]

    @property
    def now(self) -> NDArray[np.int64]:
        """Row of the newest observation, (W,)."""
        return self.index[:, self.n_obs_steps - 1]


def training_windows(ends: NDArray[np.int64], shape: WindowShape) -> Windows:
    """Return Diffusion Policy's windows: `n_obs_steps` - 1 padded before, `n_action_steps` - 1 after."""
    pad_before, pad_after = shape.n_obs_steps - 1, shape.n_action_steps - 1
    return _windows(ends, shape, -pad_before, pad_after - shape.horizon + 1)


def frame_windows(ends: NDArray[np.int64], shape: WindowShape) -> Windows:
    """Return one window for every frame as "now", in the order of the frames."""
    return _windows(ends, shape, 1 - shape.n_obs_steps, 1 - shape.n_obs_steps)


def _windows(
    ends: NDArray[np.int64], shape: WindowShape, first: int, last_from_end: int
) -> Windows:
    """Window starts run from `first` to episode length + `last_from_end`, exclusive."""
    steps = np.arange(shape.horizon)
    parts = [np.empty((0, shape.horizon), dtype=np.int64)]
    for start, end in zip(np.concatenate([[0], ends[:-1]]), ends, strict=True):
        begins = np.arange(first, max(first, end - start + last_from_end))
        parts.append(np.clip(start + begins[:, None] + steps, start, end - 1))
    return Windows(np.concatenate(parts).astype(np.int64), shape.n_obs_steps)
