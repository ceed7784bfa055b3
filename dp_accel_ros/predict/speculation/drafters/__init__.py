# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Drafters: where the states come from that the target then verifies."""

from __future__ import annotations

from collections.abc import Callable

from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.retrieval.store import RetrievalStore
from dp_accel_ros.predict.speculation.drafters.base import Drafter, Needs, Opening, Path, Window
from dp_accel_ros.predict.speculation.drafters.distilled import Corrected, Distilled
from dp_accel_ros.predict.speculation.drafters.filtered import SHARE, Filtered
from dp_accel_ros.predict.speculation.drafters.frozen import FrozenEstimate
from dp_accel_ros.predict.speculation.drafters.openings import (
    RetrievedChunk,
    no_opening,
    previous_chunk,
)
from dp_accel_ros.predict.speculation.drafters.recalled import Recalled


def _had(network: Denoiser | None) -> Denoiser:
    assert network is not None, "whoever makes one of NETWORK_DRAFTERS looks for its network first"
    return network


NETWORK_DRAFTERS = ("distilled", "corrected")
"""Those that need the small network of a bundle."""

DRAFTERS: dict[str, Callable[[RetrievalStore, Denoiser | None], Drafter]] = {
    "frozen": lambda *_: FrozenEstimate("frozen", "estimate", no_opening),
    "frozen_fresh": lambda *_: FrozenEstimate("frozen_fresh", "fresh estimate", no_opening),
    "retrieved": lambda store, _: FrozenEstimate("retrieved", "estimate", RetrievedChunk(store)),
    "recalled": lambda store, _: Recalled("recalled", RetrievedChunk(store)),
    "filtered": lambda store, _: Filtered(
        "filtered", RetrievedChunk(store), store.spread.times(SHARE)
    ),
    "previous": lambda *_: FrozenEstimate("previous", "estimate", previous_chunk),
    "distilled": lambda _, network: Distilled("distilled", _had(network)),
    "corrected": lambda store, network: Corrected(
        "corrected", RetrievedChunk(store), _had(network)
    ),
}
"""Name to what builds the drafter of a policy, from its retrieval store and its small network."""

__all__ = [
    "DRAFTERS",
    "NETWORK_DRAFTERS",
    "Corrected",
    "Distilled",
    "Drafter",
    "Filtered",
    "FrozenEstimate",
    "Needs",
    "Opening",
    "Path",
    "Recalled",
    "Window",
]
