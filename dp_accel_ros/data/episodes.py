# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Episodes on disk: Diffusion Policy's zarr replay buffer, read and appended to.

data/<key>            one row a frame, all episodes one after the other, (N, ...)
meta/episode_ends     row after the last frame of each episode, (E,)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numcodecs import Blosc
from numpy.typing import NDArray

from dp_accel_ros.errors import DataError

ENDS = "meta/episode_ends"
SEEDS = "meta/episode_seeds"
FRAMES_PER_CHUNK = {3: 64, 1: 8192}
"""Rows per zarr chunk by the number of dimensions after the first; images need small chunks."""


@dataclass(frozen=True, slots=True)
class Episodes:
    """A replay buffer opened for reading; arrays stay on disk until they are asked for."""

    path: Path
    arrays: Mapping[str, zarr.Array]
    """Key to its rows, (N, ...)."""

    ends: NDArray[np.int64]
    """Row after the last frame of each episode, (E,)."""

    attributes: Mapping[str, Any]

    @classmethod
    def open(cls, path: str | Path) -> Episodes:
        """Open a replay buffer.

        Raises:
            DataError: There is none, or its arrays contradict each other.
        """
        root = _open_group(Path(path), "r")
        arrays = dict(root["data"].arrays()) if "data" in root else {}
        if ENDS not in root or not arrays:
            found = ", ".join(_array_names(root)) or "nothing"
            raise DataError(f"{path}: expected data/* and {ENDS}, found {found}")
        ends = np.asarray(root[ENDS][:], dtype=np.int64)
        _verify(path, arrays, ends)
        return cls(Path(path), arrays, ends, dict(root.attrs))

    @property
    def n_episodes(self) -> int:
        """Number of episodes."""
        return len(self.ends)

    @property
    def n_frames(self) -> int:
        """Number of frames of all episodes together (N)."""
        return int(self.ends[-1]) if len(self.ends) else 0

    @property
    def starts(self) -> NDArray[np.int64]:
        """Row of the first frame of each episode, (E,)."""
        return np.concatenate([[0], self.ends[:-1]]).astype(np.int64)

    def rows(self, key: str) -> NDArray[Any]:
        """Return all rows of a key in memory, (N, ...)."""
        return self._array(key)[:]

    def episode(self, index: int, key: str) -> NDArray[Any]:
        """Return the rows of one episode, (L, ...)."""
        return self._array(key)[int(self.starts[index]) : int(self.ends[index])]

    def _array(self, key: str) -> zarr.Array:
        if key not in self.arrays:
            raise DataError(
                f"{self.path}: no array named {key!r}; there are {', '.join(sorted(self.arrays))}"
            )
        return self.arrays[key]


class EpisodeWriter:
    """Appends episodes; a file that exists is continued after its last complete episode.

    An episode counts once its end is written, which happens last: what a killed run left behind
    it is cut off when the file is opened again.
    """

    def __init__(self, path: str | Path, attributes: Mapping[str, Any] | None = None) -> None:
        self.path = Path(path)
        self._root = _open_group(self.path, "a")
        self._data = self._root.require_group("data")
        for name in (ENDS, SEEDS):
            if name not in self._root:
                self._root.zeros(name, shape=(0,), chunks=(4096,), dtype="int64")
        self._cut_to_last_complete_episode()
        wanted = dict(attributes or {})
        if self.n_episodes and dict(self._root.attrs) != wanted:
            found = dict(self._root.attrs)
            raise DataError(f"{path}: cannot continue a file made as {found} with {wanted}")
        self._root.attrs.put(wanted)

    @property
    def n_episodes(self) -> int:
        """Complete episodes in the file."""
        return len(self._root[ENDS])

    @property
    def n_frames(self) -> int:
        """Frames of all complete episodes."""
        return int(self._root[ENDS][-1]) if self.n_episodes else 0

    @property
    def last_seed(self) -> int | None:
        """Seed of the newest episode, or None in an empty file."""
        return int(self._root[SEEDS][-1]) if self.n_episodes else None

    def append(self, episode: Mapping[str, NDArray[Any]], seed: int) -> None:
        """Append one episode: for each key its frames, (L, ...), all of one length L > 0."""
        lengths = {key: len(rows) for key, rows in episode.items()}
        if len(set(lengths.values())) != 1 or not next(iter(lengths.values())):
            raise DataError(f"an episode needs rows of one length above 0, got {lengths}")
        known = sorted(self._data.array_keys())
        if self.n_episodes and sorted(episode) != known:
            raise DataError(f"{self.path} holds {known}, got an episode of {sorted(episode)}")
        end = self.n_frames + next(iter(lengths.values()))
        for key, rows in episode.items():
            self._require(key, rows).append(rows)
        self._root[SEEDS].append(np.array([seed]))
        self._root[ENDS].append(np.array([end]))

    def _require(self, key: str, rows: NDArray[Any]) -> zarr.Array:
        per_chunk = FRAMES_PER_CHUNK.get(rows.ndim - 1, 1024)
        return self._data.require_dataset(
            key,
            shape=(self.n_frames, *rows.shape[1:]),
            dtype=rows.dtype,
            chunks=(per_chunk, *rows.shape[1:]),
            compressor=Blosc(cname="zstd", clevel=3, shuffle=Blosc.BITSHUFFLE),
            exact=True,
        )

    def _cut_to_last_complete_episode(self) -> None:
        n_complete = _n_complete(self._root[ENDS][:])
        self._root[ENDS].resize(n_complete)
        self._root[SEEDS].resize(n_complete)
        for _, array in self._data.arrays():
            array.resize(self.n_frames, *array.shape[1:])


def complete_episodes(path: str | Path) -> int:
    """Return how many complete episodes a file has; none where there is no file."""
    ends = Path(path) / ENDS
    return _n_complete(zarr.open_array(str(ends), "r")[:]) if (ends / ".zarray").is_file() else 0


def seeds_of(path: str | Path) -> NDArray[np.int64]:
    """Return the seed of every complete episode that an `EpisodeWriter` wrote, (E,)."""
    return _open_group(Path(path), "r")[SEEDS][: complete_episodes(path)]


def _n_complete(ends: NDArray[np.int64]) -> int:
    # A run killed between growing this array and writing it leaves zeros at its end.
    return int(np.argmax(np.diff(ends, prepend=0, append=-1) <= 0))


def _open_group(path: Path, mode: str) -> zarr.Group:
    try:
        return zarr.open_group(str(path), mode=mode)
    except (zarr.errors.GroupNotFoundError, zarr.errors.ContainsArrayError) as error:
        found = "no such folder" if not path.exists() else "no zarr v2 group in it"
        raise DataError(f"{path}: expected a zarr replay buffer, found {found}") from error


def _array_names(root: zarr.Group) -> list[str]:
    names: list[str] = []
    root.visititems(
        lambda name, item: names.append(name) if isinstance(item, zarr.Array) else None
    )
    return sorted(names)


def _verify(path: str | Path, arrays: Mapping[str, zarr.Array], ends: NDArray[np.int64]) -> None:
    lengths = np.diff(ends, prepend=0)
    if (lengths <= 0).any():
        at = int(np.argmax(lengths <= 0))
        raise DataError(f"{path}: {ENDS} must rise from above 0, entry {at} is {ends[at]}")
    n_frames = int(ends[-1]) if len(ends) else 0
    wrong = {key: len(array) for key, array in arrays.items() if len(array) != n_frames}
    if wrong:
        raise DataError(f"{path}: {ENDS} ends at {n_frames}, but there are rows {wrong}")
