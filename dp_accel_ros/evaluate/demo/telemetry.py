# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What an observer heard on the topics of a running demo, as plain data."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NS_PER_MS = 1e6


class Heard(NamedTuple):
    """When one message was made, sent and heard; all in ns of the system clock."""

    stamp_ns: int
    """The stamp in its header."""

    published_ns: int
    """When the publisher's middleware took it."""

    received_ns: int
    """When our middleware had it, before any Python ran."""


class Inference(NamedTuple):
    """One message of `policy/inference`."""

    stamp_ns: int
    values: Mapping[str, str]


class EpisodeStatus(NamedTuple):
    """One message of `task/episode`."""

    number: int
    """How often the world was reset before it; 0 is the world that the simulation starts with."""

    seed: int
    elapsed_s: float
    limit_s: float
    """Time after which it counts as failed."""

    success: bool
    """True from the moment the goal was reached."""

    success_after_s: float
    """When it was reached, in s from the start; NaN before."""

    time_is_up: bool
    """True when the task counts the episode as failed."""

    @property
    def is_over(self) -> bool:
        """True once it has succeeded or failed."""
        return self.success or self.time_is_up


class Telemetry:
    """Everything heard so far.

    The observer's thread appends; any thread may read, and copies what it iterates over.
    """

    def __init__(self) -> None:
        self.trajectories: list[Heard] = []
        self.chunks: list[Heard] = []
        self.inferences: list[Inference] = []
        self.diagnostics: dict[str, dict[str, str]] = {}
        """Newest values of every status on /diagnostics, by its name."""
        self.episode: EpisodeStatus | None = None


def first_action_ms(chunks: Sequence[Heard], trajectories: Sequence[Heard]) -> NDArray[np.float64]:
    """Return observation stamp to first published action for each chunk that was used, (N,) ms.

    A chunk counts as used by the first trajectory that was made after the chunk had arrived,
    unless a newer chunk arrived before that trajectory too.
    """
    made = [trajectory.stamp_ns for trajectory in trajectories]
    used: dict[int, float] = {}
    for chunk in chunks:
        at = bisect_left(made, chunk.received_ns)
        if at < len(made):
            used[at] = (trajectories[at].published_ns - chunk.stamp_ns) / NS_PER_MS
    return np.array(list(used.values()), dtype=np.float64)


def number(values: Mapping[str, str], key: str) -> float:
    """Return a value of a status as a number, NaN where there is none."""
    try:
        return float(values[key])
    except (KeyError, ValueError):
        return float("nan")


def numbers(inferences: Sequence[Inference], key: str) -> NDArray[np.float64]:
    """Return one value of every inference that has it, (N,)."""
    column = np.array([number(inference.values, key) for inference in inferences], np.float64)
    return column[np.isfinite(column)]
