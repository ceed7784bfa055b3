# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The few statistics that every report of this package uses."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dp_accel_ros.errors import ConfigError

NS_PER_MS = 1e6


@dataclass(frozen=True, slots=True)
class SuccessRate:
    """Successes among independent episodes."""

    successes: int
    episodes: int

    def __post_init__(self) -> None:
        if not 0 <= self.successes <= self.episodes:
            raise ConfigError(
                f"`successes` must be between 0 and `episodes` ({self.episodes}),"
                f" got {self.successes}"
            )

    @classmethod
    def of(cls, outcomes: Iterable[bool]) -> SuccessRate:
        """Return the rate of a list of outcomes."""
        listed = list(outcomes)
        return cls(sum(listed), len(listed))

    @property
    def rate(self) -> float:
        """Share of successes, NaN without episodes."""
        return self.successes / self.episodes if self.episodes else math.nan

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return Wilson's score interval (Wilson 1927), the whole range without episodes."""
        if not self.episodes:
            return 0.0, 1.0
        z = NormalDist().inv_cdf(0.5 + confidence / 2)
        n, p = self.episodes, self.rate
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, centre - half), min(1.0, centre + half)

    def __str__(self) -> str:
        low, high = self.interval()
        share = f"{self.successes}/{self.episodes}"
        return f"{share} ({100 * low:.0f} to {100 * high:.0f} %)" if self.episodes else share


@dataclass(frozen=True, slots=True)
class Quantiles:
    """How a measured quantity is spread; NaN where nothing was measured."""

    n: int
    p50: float
    p95: float
    p99: float
    max: float

    def as_dict(self, unit: str) -> dict[str, Any]:
        """Return the numbers for a report, their keys ending in `unit`."""
        named = {"p50": self.p50, "p95": self.p95, "p99": self.p99, "max": self.max}
        rounded = {k: round(v, 4) if math.isfinite(v) else None for k, v in named.items()}
        return {"n": self.n} | {f"{key}_{unit}": value for key, value in rounded.items()}


def quantiles(values: ArrayLike) -> Quantiles:
    """Return the quantiles of measured values, (N,), in their own unit."""
    listed = np.asarray(values, dtype=np.float64).ravel()
    if not listed.size:
        return Quantiles(0, math.nan, math.nan, math.nan, math.nan)
    p50, p95, p99 = np.percentile(listed, [50, 95, 99])
    return Quantiles(listed.size, float(p50), float(p95), float(p99), float(listed.max()))


def period_errors_ms(
    times_ns: ArrayLike, period_s: float, pauses_ns: Sequence[tuple[int, int]] = ()
) -> NDArray[np.float64]:
    """Return how far each interval between events, (N,) in ns, is off the period, in ms.

    Intervals that touch a pause, from and until in ns, are left out.
    """
    events = np.asarray(times_ns, dtype=np.int64)
    begins, ends = events[:-1], events[1:]
    kept = np.ones(len(begins), dtype=bool)
    for pause_begins, pause_ends in pauses_ns:
        kept &= (ends < pause_begins) | (begins > pause_ends)
    return np.abs((ends - begins)[kept] / NS_PER_MS - 1e3 * period_s)
