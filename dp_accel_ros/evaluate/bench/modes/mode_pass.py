# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The pass for tasks that leave several ways open: does a method take each as often as the base?

Every row begins at the same few starts, many times with other random numbers. What is compared is
exact speculation, retrieval with one neighbour and with several, and what is known to distort.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dp_accel_ros.errors import ConfigError, DataError
from dp_accel_ros.evaluate.bench.entrants import Entrant
from dp_accel_ros.evaluate.bench.folder import BenchFolder
from dp_accel_ros.evaluate.bench.modes.counts import ModeCounts, ModeOf, shown_modes
from dp_accel_ros.evaluate.bench.modes.table import BASE, ModeResults, ModeRow
from dp_accel_ros.evaluate.bench.protocol import Protocol
from dp_accel_ros.evaluate.bench.success import rollout_config
from dp_accel_ros.evaluate.rollout.file import check_facts
from dp_accel_ros.sim.base import Task

MODE_ROWS = (
    BASE,
    "ddim-16",
    "tsdp-k10",
    "tsdp-threshold-0.5",
    "ragdp-r0.5",
    "ragdp-r0.75",
    "ragdp-r0.9",
    "ragdp-r0.5-top20",
    "ragdp-r0.75-top20",
    "ragdp-r0.9-top20",
    "alt",
)
"""Rows that are compared; the first is what the others are compared to."""

Shown = dict[int, list[str | None]]
"""Seed of a start to the way of each episode from there, None where none showed."""


@dataclass(frozen=True, slots=True)
class ModeFile:
    """The ways of a row, in a file that is continued where it was cut off."""

    path: Path
    facts: Mapping[str, Any]

    def read(self) -> Shown:
        """Return what is there, nothing before the first episode.

        Raises:
            ConfigError: It is of another bundle, method or protocol.
            DataError: The file is not one of ours.
        """
        if not self.path.exists():
            return {}
        try:
            document = json.loads(self.path.read_text(encoding="utf-8"))
            shown = {int(seed): list(ways) for seed, ways in document["shown"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"{self.path}: expected the ways of a row: {error!r}") from error
        check_facts(self.path, document, self.facts)
        return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class ModePass:
    """Who is compared, on what, and what shows the way."""

    names: tuple[str, ...]
    """Of the ways."""

    mode_of: ModeOf
    folder: BenchFolder
    protocol: Protocol

    def file(self, entrant: Entrant) -> ModeFile:
        """Return where the ways of a row are kept."""
        facts = {**entrant.facts, "batch": self.protocol.batch}
        return ModeFile(self.folder.path / "modes" / f"{entrant.row.name}.json", facts)

    def missing(self, entrant: Entrant) -> int:
        """Return how many episodes of a row have not been run."""
        shown = self.file(entrant).read()
        return sum(self._lacks(shown.get(start, [])) for start in self.protocol.starts)

    def run_row(
        self, entrant: Entrant, tasks: Sequence[Task], on_batch: Callable[[int], None]
    ) -> None:
        """Run the episodes that a row lacks; `on_batch` is told how many of them each batch had."""
        file, config = self.file(entrant), rollout_config(entrant)
        shown = file.read()
        for start in self.protocol.starts:
            ways = shown.setdefault(start, [])
            while n_lacking := self._lacks(ways):
                group = tasks[:n_lacking]
                predict = entrant.prediction(np.random.default_rng([start, len(ways)]))
                ways += shown_modes(group, start, predict, config, self.mode_of)
                document = {**file.facts, "shown": shown}
                self.folder.write(f"modes/{file.path.name}", json.dumps(document, indent=1) + "\n")
                on_batch(len(group))

    def results(self, found: Sequence[Entrant]) -> ModeResults:
        """Return what is known of the rows among `found`, from whatever was run so far."""
        return ModeResults.of(self.names, [row for e in found if (row := self._row(e))])

    def _lacks(self, ways: Sequence[str | None]) -> int:
        return max(0, self.protocol.n_repeats - len(ways))

    def _row(self, entrant: Entrant) -> ModeRow | None:
        try:
            shown = self.file(entrant).read()
        except ConfigError:  # of another bundle: none of this one's
            return None
        wanted = [
            shown.get(start, [])[: self.protocol.n_repeats] for start in self.protocol.starts
        ]
        n_shown = sum(way is not None for ways in wanted for way in ways)
        if not n_shown:
            return None
        counts = ModeCounts.of(wanted, self.names)
        return ModeRow(entrant.row.name, entrant.row.label, sum(map(len, wanted)), counts)
