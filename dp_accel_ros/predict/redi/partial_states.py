# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Trajectories on disk while they are being made, so that a build that was cut off goes on."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import ConfigError

FACTS_NAME = "facts.json"


class PartialStates:
    """A folder with one file for each batch of trajectories.

    Args:
        path: The folder; it is made when there is something to keep.
        facts: What the trajectories depend on; a folder with other facts is not continued.

    Raises:
        ConfigError: The folder holds trajectories of something else.
    """

    def __init__(self, path: Path, facts: Mapping[str, Any]) -> None:
        self.path, self._facts = path, json.dumps(dict(facts), sort_keys=True)
        facts_path = path / FACTS_NAME
        found = facts_path.read_text(encoding="utf-8") if facts_path.exists() else self._facts
        if found != self._facts:
            raise ConfigError(
                f"{path} holds trajectories of another build that was cut off; repeat that command"
                f" to end it, or remove the folder. It was made with {found}"
            )

    def known(self, seed: int, rows: slice) -> NDArray[np.floating] | None:
        """Return the states of a noise under some conditions, (rows, Q, Tp, Da), if they are here."""
        path = self._file(seed, rows)
        return np.load(path, allow_pickle=False) if path.exists() else None

    def keep(self, seed: int, rows: slice, states: NDArray[np.floating]) -> None:
        """Write states to disk unless they are there; a file is whole or missing."""
        if self._file(seed, rows).exists():
            return
        self.path.mkdir(parents=True, exist_ok=True)
        _replace(self.path / FACTS_NAME, self._facts)
        partial = self.path / "partial.npy"
        np.save(partial, states)
        os.replace(partial, self._file(seed, rows))

    def remove(self) -> None:
        """Remove the folder, if it was made."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _file(self, seed: int, rows: slice) -> Path:
        return self.path / f"{seed}_{rows.start}_{rows.stop}.npy"


def _replace(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
