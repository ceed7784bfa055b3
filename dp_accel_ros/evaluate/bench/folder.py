# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The folder of a benchmark: what was measured so far, each in a file of its own.

rows/<name>.json       every episode of a row; continued where it was cut off
modes/<name>.json      which way its episodes took, in tasks that leave several open
latency.json           the newest latency pass, with all rows that took part in it
bench.md, bench.json   the table
*.png                  the plots
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dp_accel_ros.errors import ConfigError, DataError
from dp_accel_ros.evaluate.bench.entrants import Entrant
from dp_accel_ros.evaluate.bench.protocol import Protocol
from dp_accel_ros.evaluate.rollout import EpisodeResult
from dp_accel_ros.evaluate.rollout.file import RolloutFile


@dataclass(frozen=True, slots=True)
class BenchFolder:
    """Where the files of a benchmark are."""

    path: Path

    def row_file(self, entrant: Entrant, protocol: Protocol) -> RolloutFile:
        """Return the episodes of a row, those that are there and those to come.

        Raises:
            ConfigError: They are from another bundle, method or protocol.
        """
        path = self.path / "rows" / f"{entrant.row.name}.json"
        return RolloutFile(path, {**entrant.facts, **protocol.facts})

    def episodes(self, entrant: Entrant, protocol: Protocol) -> Sequence[EpisodeResult]:
        """Return those of the wanted episodes that have been run.

        Results of another bundle or protocol are none: they must not hide those of other rows.
        """
        try:
            results = self.row_file(entrant, protocol).results
        except ConfigError:
            return []
        wanted = set(protocol.seeds)
        return [result for result in results if result.seed in wanted]

    @property
    def latency(self) -> dict[str, Any] | None:
        """The newest latency pass, or None before the first."""
        return self._read("latency.json")

    def keep_latency(self, document: Mapping[str, Any]) -> None:
        """Put a latency pass in the place of the one before."""
        self.write("latency.json", json.dumps(document, indent=1) + "\n")

    def write(self, name: str, text: str) -> Path:
        """Write a file in one step and return its path."""
        partial = self.path / f"{name}.partial"
        partial.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, self.path / name)
        return self.path / name

    def _read(self, name: str) -> dict[str, Any] | None:
        path = self.path / name
        if not path.exists():
            return None
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            _ = document["timings"]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}: expected a latency pass: {error!r}") from error
        return document
