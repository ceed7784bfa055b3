# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What is the same for every row: which episodes, how they are run, and how often is timed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dp_accel_ros.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """Numbers of a benchmark."""

    n_episodes: int = 100
    first_seed: int = 100_000
    """Seed of the first episode; training uses small ones and those from a million on."""

    batch: int = 20
    """Episodes that run together. Chance is drawn for a batch, so results depend on it."""

    rounds: int = 30
    """Turns of every row in the latency pass."""

    n_starts: int = 3
    """Starts from which ways are counted, in tasks that leave several open."""

    n_repeats: int = 40
    """Episodes from each of those starts."""

    def __post_init__(self) -> None:
        for name in ("n_episodes", "batch", "rounds", "n_starts", "n_repeats"):
            if getattr(self, name) < 1:
                raise ConfigError(f"`{name}` must be at least 1, got {getattr(self, name)}")
        if self.first_seed < 0:
            raise ConfigError(f"`first_seed` must be at least 0, got {self.first_seed}")

    @property
    def seeds(self) -> range:
        """Seeds of the episodes."""
        return range(self.first_seed, self.first_seed + self.n_episodes)

    @property
    def starts(self) -> range:
        """Seeds of the starts from which ways are counted."""
        return range(self.first_seed, self.first_seed + self.n_starts)

    @property
    def n_tasks(self) -> int:
        """Simulations that are needed at once."""
        return min(self.batch, self.n_episodes)

    @property
    def facts(self) -> dict[str, Any]:
        """What episodes depend on, ready for JSON; more of them do not change those before."""
        return {"first_seed": self.first_seed, "batch": self.batch}
