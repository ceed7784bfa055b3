# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What was counted of all rows, compared with the base, as a table and as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from dp_accel_ros.evaluate.bench.modes.counts import ModeCounts, chi_square, same_frequencies_p

BASE = "ddpm"
"""The row that the others are compared with."""


@dataclass(frozen=True, slots=True)
class ModeRow:
    """The ways of a row."""

    name: str
    label: str
    n: int
    """Episodes, with those that showed no way."""

    counts: ModeCounts


class Difference(NamedTuple):
    """How far a row's frequencies are from the base's."""

    chi_square: float
    p: float

    @classmethod
    def between(cls, row: ModeRow, base: ModeRow) -> Difference:
        """Return the test of equal frequencies at every start."""
        pair = row.counts, base.counts
        p = same_frequencies_p(*pair, np.random.default_rng(0))
        return cls(round(chi_square(*pair), 3), round(p, 6))


@dataclass(frozen=True, slots=True)
class ModeResults:
    """The ways of all rows that were compared."""

    names: tuple[str, ...]
    rows: tuple[ModeRow, ...] = ()
    differences: tuple[Difference | None, ...] = ()
    """Of each row from the base; None for the base itself, and where the base was not run."""

    @classmethod
    def of(cls, names: tuple[str, ...], rows: Sequence[ModeRow]) -> ModeResults:
        """Return the rows with each one's difference from the base."""
        base = next((row for row in rows if row.name == BASE), None)
        differences = (
            None if base is None or row is base else Difference.between(row, base) for row in rows
        )
        return cls(names, tuple(rows), tuple(differences))

    @property
    def lines(self) -> list[str]:
        """The lines of a Markdown table; none where nothing was run."""
        if not self.rows:
            return []
        head = ["method", "n", "none", *self.names, "ways", "chi-square", "p"]
        lines = [head, ["---", *("---:" for _ in head[1:])]]
        lines += [_cells(*pair) for pair in zip(self.rows, self.differences, strict=True)]
        return [f"| {' | '.join(line)} |" for line in lines]

    @property
    def numbers(self) -> list[dict[str, Any]]:
        """All numbers, ready for JSON."""
        return [
            {
                "row": row.name,
                "label": row.label,
                "n": row.n,
                "counts_by_start": row.counts.counts.tolist(),
                "ways": list(self.names),
                "effective_ways": round(row.counts.effective, 4),
                "chi_square": None if found is None else found.chi_square,
                "p": None if found is None else found.p,
            }
            for row, found in zip(self.rows, self.differences, strict=True)
        ]


def _cells(row: ModeRow, found: Difference | None) -> list[str]:
    n_shown = int(row.counts.counts.sum())
    shares = (f"{100 * share:.0f} %" for share in row.counts.shares)
    test = ["", ""] if found is None else [f"{found.chi_square:.1f}", f"{found.p:.2g}"]
    ways = f"{row.counts.effective:.2f}"
    return [row.label, str(row.n), str(row.n - n_shown), *shares, ways, *test]


MODE_LEGEND = (
    "every row begins at the same starts, each many times with other random numbers; an episode ends"
    " when its way shows; none: episodes in which none showed",
    "ways: how many a start leaves open, exp of the entropy of its shares, the mean over starts (1:"
    " always the same way)",
    f"chi-square against {BASE} of equal shares at every start, over episodes that showed a way; p by"
    " dealing the episodes of a start out anew",
)
