# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What happened to the simulated robot, small enough to keep all of it and complete enough to replay."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import DataError
from dp_accel_ros.sim.base import Array


@dataclass(frozen=True, slots=True)
class Recording:
    """One row an instant, in the order of time, (N, ...)."""

    stamp_ns: NDArray[np.int64]
    episode: NDArray[np.int64]
    """How often the world had been reset, (N,)."""

    success: NDArray[np.bool_]
    """True from the moment the goal of the episode was reached, (N,)."""

    imaged: NDArray[np.bool_]
    """True where the cameras took a picture, (N,)."""

    measured: Array
    """Joint positions, (N, Dj)."""

    commanded: Array
    """Joint targets, (N, Da)."""

    scene: Array
    """Positions of everything that can move, as `Task.scene` gives them, (N, P)."""

    def save(self, path: Path) -> None:
        """Write it to an `.npz` file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, allow_pickle=False, **{f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Read it back.

        Raises:
            DataError: The file is not a recording.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return cls(**{f.name: arrays[f.name] for f in fields(cls)})
        except (OSError, ValueError, KeyError) as error:
            raise DataError(f"{path}: expected the recording of a simulation: {error}") from error

    def of_episode(self, number: int) -> Recording:
        """Return the rows of one episode."""
        return self.rows(np.flatnonzero(self.episode == number))

    def rows(self, indices: NDArray[np.int64]) -> Recording:
        """Return some of the rows."""
        return Recording(**{f.name: getattr(self, f.name)[indices] for f in fields(self)})


class Recorder:
    """Collects rows in memory; one thread uses it."""

    def __init__(self) -> None:
        self._rows: list[tuple[Any, ...]] = []

    def append(
        self,
        stamp_ns: int,
        *,
        episode: int,
        success: bool,
        imaged: bool,
        measured: Array,
        commanded: Array,
        scene: Array,
    ) -> None:
        """Add one instant; the arrays are kept, so they must be the caller's to give away."""
        self._rows.append((stamp_ns, episode, success, imaged, measured, commanded, scene))

    def recording(self) -> Recording:
        """Return everything so far."""
        columns = list(zip(*self._rows, strict=True)) or [()] * len(fields(Recording))
        types = (np.int64, np.int64, np.bool_, np.bool_, np.float64, np.float64, np.float64)
        arrays: list[Any] = [
            np.array(column, dtype=kind) for column, kind in zip(columns, types, strict=True)
        ]
        return Recording(*arrays)
