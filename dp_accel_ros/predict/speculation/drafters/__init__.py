# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Drafters: where the states come from that the target then verifies."""

from __future__ import annotations

from collections.abc import Callable

from dp_accel_ros.predict.retrieval.store import RetrievalStore
from dp_accel_ros.predict.speculation.drafters.base import Drafter, Needs, Opening, Path, Window
from dp_accel_ros.predict.speculation.drafters.frozen import FrozenEstimate
from dp_accel_ros.predict.speculation.drafters.openings import (
    RetrievedChunk,
    no_opening,
    previous_chunk,
)
from dp_accel_ros.predict.speculation.drafters.recalled import Recalled

DRAFTERS: dict[str, Callable[[RetrievalStore], Drafter]] = {
    "frozen": lambda _: FrozenEstimate("frozen", "estimate", no_opening),
    "frozen_fresh": lambda _: FrozenEstimate("frozen_fresh", "fresh estimate", no_opening),
    "retrieved": lambda store: FrozenEstimate("retrieved", "estimate", RetrievedChunk(store)),
    "recalled": lambda store: Recalled("recalled", RetrievedChunk(store)),
    "previous": lambda _: FrozenEstimate("previous", "estimate", previous_chunk),
}
"""Name to what builds the drafter of a policy with a retrieval store."""

__all__ = [
    "DRAFTERS",
    "Drafter",
    "FrozenEstimate",
    "Needs",
    "Opening",
    "Path",
    "Recalled",
    "Window",
]
