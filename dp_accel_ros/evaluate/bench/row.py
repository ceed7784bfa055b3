# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A row of the benchmark: a method with settings, before anybody knows whether a bundle has it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

from dp_accel_ros.errors import ConfigError

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is measured, and what it is called."""

    name: str
    """Unique in the benchmark, and the name of a file: lower case, digits, `-`, `_` and `.`."""

    family: str
    """What it is a setting of, for people: rows of a family stand together."""

    label: str
    method: str
    settings: tuple[str, ...] = ()
    """`name=value` in place of the method's defaults."""

    precision: str | None = None
    """Of the denoiser's products; None is as the robot runs it."""

    learned_plan: bool = False
    """Whether the bundle's learned scheduler plans every chunk."""

    refuse_ood: bool = False
    """Whether chunks that are out of distribution are not executed."""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ConfigError(f"`name` must match {NAME.pattern}, got {self.name!r}")


def chosen(rows: Sequence[Row], patterns: Sequence[str]) -> list[Row]:
    """Return the rows that one of the patterns means, in their order; all without a pattern.

    A pattern is a row's name, its method's, or either with wildcards: `ragdp`, `tsdp-k*`.

    Raises:
        ConfigError: A pattern means no row.
    """
    for pattern in patterns:
        if not any(_means(pattern, row) for row in rows):
            names = ", ".join(row.name for row in rows)
            raise ConfigError(f"no row and no method is named {pattern!r}; there are {names}")
    return [row for row in rows if not patterns or any(_means(p, row) for p in patterns)]


def _means(pattern: str, row: Row) -> bool:
    return fnmatch(row.name, pattern) or fnmatch(row.method, pattern)
