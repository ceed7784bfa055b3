# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What is known of every row, from whatever passes have been run so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dp_accel_ros.evaluate.bench.entrants import Absent, Entrant
from dp_accel_ros.evaluate.bench.folder import BenchFolder
from dp_accel_ros.evaluate.bench.protocol import Protocol
from dp_accel_ros.evaluate.bench.row import Row
from dp_accel_ros.evaluate.bench.timing import EAGER_ROW, ORT_ROW
from dp_accel_ros.evaluate.method_settings import settings_line
from dp_accel_ros.evaluate.rollout import EpisodeResult
from dp_accel_ros.evaluate.rollout.file import report
from dp_accel_ros.evaluate.statistics import SuccessRate


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """A row that can run, and what was measured of it."""

    row: Row
    settings: str
    megabytes: float
    episodes: tuple[EpisodeResult, ...]
    timing: Mapping[str, Any] | None
    """Of the newest latency pass, None where the row took no part in it."""

    vs_eager: float | None
    """How many times faster than the base sampler in PyTorch's eager mode, by medians."""

    vs_base: float | None
    """How many times faster than the base sampler in float32 on the row's own backend."""

    vs_ort: float | None
    """The same on ONNX Runtime, None where that is the row's own backend."""

    of_base: float | None
    """Success as a share of the base sampler's."""

    @property
    def success(self) -> SuccessRate:
        """Successes among the episodes."""
        return SuccessRate.of(result.success for result in self.episodes)

    @property
    def numbers(self) -> dict[str, Any]:
        """All numbers, ready for JSON."""
        rounded = {"vs_eager": self.vs_eager, "vs_base": self.vs_base, "of_base": self.of_base}
        rounded |= {} if self.vs_ort is None else {"vs_ort": self.vs_ort}
        return {
            "row": self.row.name,
            "family": self.row.family,
            "label": self.row.label,
            "method": self.row.method,
            "settings": self.settings,
            "refuse_ood": self.row.refuse_ood,
            **report(self.episodes),
            "latency": self.timing,
            **{k: None if v is None else round(v, 4) for k, v in rounded.items()},
            "megabytes": round(self.megabytes, 3),
        }


@dataclass(frozen=True, slots=True)
class Results:
    """All rows of a benchmark, in their order."""

    rows: tuple[RowResult, ...]
    absent: tuple[Absent, ...]

    @property
    def measured(self) -> tuple[RowResult, ...]:
        """The rows of which anything was measured."""
        return tuple(found for found in self.rows if found.episodes or found.timing)


def results(
    found: Sequence[Entrant],
    absent: Iterable[Absent],
    base: str,
    folder: BenchFolder,
    protocol: Protocol,
) -> Results:
    """Return what a folder holds of some rows; `base` is the name of the one to compare with."""
    episodes = {e.row.name: tuple(folder.episodes(e, protocol)) for e in found}
    rate = SuccessRate.of(result.success for result in episodes.get(base, ())).rate
    timings = _timings(folder.latency, found)
    eager, ort, plain = (timings.get(name) for name in (EAGER_ROW, ORT_ROW, base))
    return Results(
        tuple(
            RowResult(
                row=entrant.row,
                settings=settings_line(entrant.config),
                megabytes=entrant.megabytes,
                episodes=(ran := episodes[entrant.row.name]),
                timing=(timing := timings.get(entrant.row.name)),
                vs_eager=_times(eager, timing),
                vs_base=_times(plain, timing),
                vs_ort=_times(ort, timing),
                of_base=_share(SuccessRate.of(r.success for r in ran).rate, rate),
            )
            for entrant in found
        ),
        tuple(absent),
    )


def _timings(
    document: Mapping[str, Any] | None, found: Sequence[Entrant]
) -> dict[str, Mapping[str, Any]]:
    """Return the timings that are of the bundle as it is, by row name."""
    timed = {} if document is None else document["timings"]
    current = {
        e.row.name: timed[e.row.name]
        for e in found
        if timed.get(e.row.name, {}).get("bundle_parts") == e.needs
    }
    return current | {name: timed[name] for name in (EAGER_ROW, ORT_ROW) if name in timed}


def _times(slow: Mapping[str, Any] | None, timing: Mapping[str, Any] | None) -> float | None:
    if slow is None or timing is None or not timing["p50_ms"]:
        return None
    return slow["p50_ms"] / timing["p50_ms"]


def _share(rate: float, of: float) -> float | None:
    return rate / of if rate == rate and of > 0 else None
