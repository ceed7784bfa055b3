# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""How far a store can be trusted: frames of episodes that it does not hold are looked up in it.

By the policy's keys: how far the chunk of a found row is from the expert's own, given how far its
key is. By ALT's keys: how similar the most similar frame is. Both need no more than the store, each
of its episodes being left out in turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.bundle import Bundle, CalibrationArrays, StoreArrays
from dp_accel_ros.bundle.parts import replace_parts
from dp_accel_ros.errors import ConfigError
from dp_accel_ros.manifest import Manifest
from dp_accel_ros.observe.normalizer import Normalizer
from dp_accel_ros.predict.retrieval.base import cosine
from dp_accel_ros.predict.retrieval.conformal import conformal_threshold
from dp_accel_ros.predict.retrieval.distance_curve import DistanceCurve
from dp_accel_ros.predict.retrieval.held_out import NOTHING, nearest_outside
from dp_accel_ros.predict.retrieval.numpy_index import NumpyIndex
from dp_accel_ros.predict.retrieval.store import RetrievalStore, scaled

N_NEIGHBOURS = 20
"""Rows that every frame is compared with: RAGDP may draw among several, and farther pairs show how
the chunk distance goes on beyond the nearest ones."""

USUAL_RATE = 0.01
"""Rate of false alarms that a bundle is calibrated for; few episodes can promise only a higher one."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a calibrated bundle knows about its own look-ups."""

    curve: DistanceCurve
    """Expected chunk distance by key distance of the policy encoder."""

    similarities: NDArray[np.float32]
    """Of every held-out frame to the most similar one of the store by ALT's encoder, (N,)."""

    ends: NDArray[np.int64]
    """Row after the last frame of each held-out episode, (E,)."""

    false_alarm_rate: float
    """Where nobody says another."""

    @classmethod
    def of(cls, arrays: CalibrationArrays, false_alarm_rate: float) -> Calibration:
        """Return the calibration in a bundle's arrays."""
        edges, distances = arrays.leap_curve.astype(np.float64)
        curve = DistanceCurve(edges, distances)
        return cls(curve, arrays.alt_similarities, arrays.episode_ends, false_alarm_rate)

    def threshold(self, false_alarm_rate: float | None = None) -> float:
        """Return ALT's similarity threshold for a rate of false alarms; see `conformal`."""
        rate = self.false_alarm_rate if false_alarm_rate is None else false_alarm_rate
        return conformal_threshold(self.similarities, self.ends, rate)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Episodes that are looked up as if the store did not hold them."""

    frames: StoreArrays
    left_out: tuple[slice, ...]
    """For each episode the rows of the store that it must not find; none where it is new."""

    @classmethod
    def of(cls, frames: StoreArrays, store: StoreArrays) -> HeldOut:
        """Return episodes, each with the rows of the store that have its actions left out."""
        known = [(store.actions[rows], rows) for rows in _episodes(store)]
        own = [frames.actions[rows] for rows in _episodes(frames)]
        return cls(frames, tuple(_rows_of(actions, known) for actions in own))

    @property
    def n_known(self) -> int:
        """Episodes that the store does hold."""
        return sum(rows != NOTHING for rows in self.left_out)


@dataclass(frozen=True, slots=True)
class Measured:
    """What look-ups of held-out episodes came to."""

    arrays: CalibrationArrays
    nearest: NDArray[np.float32]
    """Key distance of every held-out frame to the nearest row by the policy's keys, (N,)."""


def measured(store: StoreArrays, held_out: HeldOut, manifest: Manifest) -> Measured:
    """Look held-out frames up in a store; seconds for 15 000 frames.

    Raises:
        ConfigError: There are fewer than two episodes, or nothing is left to be found.
    """
    frames, left_out = held_out.frames, held_out.left_out
    ends, longest = frames.episode_ends, max(rows.stop - rows.start for rows in left_out)
    if len(ends) < 2 or longest >= len(store.actions):
        sizes = f"{len(ends)}, and {len(store.episode_ends)} in the store"
        raise ConfigError(f"expected 2 or more episodes of which to leave one out, got {sizes}")
    k = min(N_NEIGHBOURS, len(store.actions) - longest)
    facts = manifest.retrieval
    scale = np.ones(1) if facts is None or facts.key_scale is None else np.array(facts.key_scale)
    keys = scaled(frames.keys, scale), scaled(store.keys, scale)
    found = nearest_outside(keys[0], ends, keys[1], left_out, k)
    own, others = _chunks(frames, manifest), _chunks(store, manifest)
    # One neighbour of all frames at a time: together they would take k times the memory.
    apart = [np.linalg.norm(own - others[rows], axis=1) for rows in found.rows.T]
    curve = DistanceCurve.fit(found.distances.T.ravel(), np.concatenate(apart))
    by_alt = nearest_outside(frames.alt_keys, ends, store.alt_keys, left_out).distances[:, 0]
    arrays = CalibrationArrays(
        leap_curve=_representable(np.stack([curve.edges, curve.chunk_distances])),
        alt_similarities=cosine(by_alt),
        episode_ends=ends,
    )
    return Measured(arrays, found.distances[:, 0])


def with_calibration(
    bundle: Bundle, found: Measured, false_alarm_rate: float, notes: Mapping[str, Any]
) -> Bundle:
    """Write a calibration into a bundle and return it as loading finds it.

    Args:
        bundle: Its store is what was measured.
        found: From `measured`.
        false_alarm_rate: Of ALT's threshold where nobody says another.
        notes: For the manifest's `provenance`.
    """
    facts, files = bundle.manifest.retrieval, bundle.manifest.files
    sums = [] if facts is None else [files[name] for name in sorted(facts.files)]
    section = {"false_alarm_rate": false_alarm_rate, "of": sums}
    arrays = {"calibration": asdict(found.arrays)}
    return replace_parts(
        bundle.path, {"calibration": section}, arrays, {"calibration": dict(notes)}
    )


def _chunks(arrays: StoreArrays, manifest: Manifest) -> NDArray[np.float32]:
    """Return the normalised chunk of every row, flattened, (N, Tp * Da)."""
    store = RetrievalStore.build(
        arrays,
        action_normalizer=Normalizer.from_bounds(manifest.normalization.actions),
        index=NumpyIndex,
        horizon=manifest.horizon,
        n_obs_steps=manifest.n_obs_steps,
    )
    return store.chunks(np.arange(len(store))).reshape(len(store), -1)


def _representable(curve: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return a curve whose edges still rise in float32; of equal ones the last speaks for all."""
    narrow = curve.astype(np.float32)
    return narrow[:, np.append(np.diff(narrow[0]) > 0, True)]


def _episodes(arrays: StoreArrays) -> list[slice]:
    ends = arrays.episode_ends.tolist()
    return [slice(*pair) for pair in zip([0, *ends[:-1]], ends, strict=True)]


def _rows_of(
    actions: NDArray[np.float32], known: list[tuple[NDArray[np.float32], slice]]
) -> slice:
    same = (rows for others, rows in known if np.array_equal(actions, others))
    return next(same, NOTHING)
