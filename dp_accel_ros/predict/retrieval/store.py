# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The demonstrations as a robot carries them: keys to search, expert chunks to return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.bundle import StoreArrays
from dp_accel_ros.errors import ConfigError
from dp_accel_ros.observe.normalizer import Normalizer
from dp_accel_ros.predict.retrieval.base import Index, Neighbours
from dp_accel_ros.predict.retrieval.spread import Spread, spread_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalStore:
    """One row a frame; all actions are normalised. Safe to share between threads."""

    actions: NDArray[np.float32]
    """Expert actions in [-1, 1], (N, Da)."""

    starts: NDArray[np.int64]
    """Row of the first frame of each episode, (E,)."""

    ends: NDArray[np.int64]
    """Row after the last frame of each episode, (E,)."""

    alt_keys: NDArray[np.float32]
    """Unit-norm embeddings of the ALT encoder, (N, K)."""

    policy_index: Index
    """Search over the scaled conditions of the policy encoder, flattened, (N, To * C)."""

    alt_index: Index
    """Search over `alt_keys`; on unit rows the order by distance is that by cosine."""

    horizon: int
    n_obs_steps: int
    key_scale: NDArray[np.float32]
    """What the features of a condition are multiplied by before they are compared, (C,) or (1,)."""

    spread: Spread
    """How chunks differ where conditions are alike."""

    @classmethod
    def build(
        cls,
        arrays: StoreArrays,
        *,
        action_normalizer: Normalizer,
        index: Callable[[NDArray[np.float32]], Index],
        horizon: int,
        n_obs_steps: int,
        key_scale: Sequence[float] | None = None,
    ) -> RetrievalStore:
        """Return the store of a bundle's arrays, with both indexes built by `index`.

        Without a `key_scale` all features of a condition count as they are.
        """
        scale = np.ones(1) if key_scale is None else np.array(key_scale)
        keys = scaled(arrays.keys, scale)
        store = cls(
            actions=action_normalizer.normalize(arrays.actions),
            starts=np.concatenate([[0], arrays.episode_ends[:-1]]).astype(np.int64),
            ends=arrays.episode_ends,
            alt_keys=arrays.alt_keys,
            policy_index=index(keys),
            alt_index=index(arrays.alt_keys),
            horizon=horizon,
            n_obs_steps=n_obs_steps,
            key_scale=scale.astype(np.float32),
            spread=Spread.none(horizon * arrays.actions.shape[1]),
        )
        return replace(store, spread=spread_of(keys, store.ends, store.chunks))

    def __len__(self) -> int:
        return len(self.actions)

    def nearest(self, condition: NDArray[np.float32], k: int) -> Neighbours:
        """Return the rows whose conditions are nearest to each condition (B, To, C)."""
        keys = condition.reshape(len(condition), -1)
        return self.policy_index.search(scaled(keys, self.key_scale), k)

    def chunks(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the expert chunks (B, Tp, Da) whose index `n_obs_steps` - 1 is at `rows` (B,).

        A chunk stays inside its episode: where it reaches over an edge, the action there repeats.
        """
        episodes = self.episodes(rows)
        offsets = np.arange(self.horizon) - (self.n_obs_steps - 1)
        first, last = self.starts[episodes], self.ends[episodes] - 1
        steps = np.clip(rows[:, None] + offsets, first[:, None], last[:, None])  # (B, Tp)
        return self.actions[steps]

    def episodes(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the episode of each row, (B,)."""
        return np.searchsorted(self.ends, rows, side="right")

    def match(self, row: int) -> tuple[int, int]:
        """Return episode and frame of a row."""
        episode = int(self.episodes(np.array(row)))
        return episode, row - int(self.starts[episode])

    def row(self, episode: int, frame: int) -> int:
        """Return the row of a frame; past the end of its episode it is the last row."""
        if not 0 <= episode < len(self.starts) or frame < 0:
            raise ConfigError(
                f"expected one of {len(self.starts)} episodes and a frame, got {episode}, {frame}"
            )
        return min(int(self.starts[episode]) + frame, int(self.ends[episode]) - 1)


def scaled(keys: NDArray[np.float32], scale: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return flattened conditions, (N, To * C), with their features multiplied by `scale`, (C,) or (1,)."""
    n_obs_steps = keys.shape[1] // len(scale)
    return np.ascontiguousarray(keys * np.tile(scale, n_obs_steps), dtype=np.float32)
