# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""ALT: replay the expert chunk of the most similar demonstrated frame; no denoising at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros import config
from dp_accel_ros.chunk import Cost
from dp_accel_ros.config import param
from dp_accel_ros.predict.methods.base import EncoderName, Previous, Proposal
from dp_accel_ros.predict.retrieval.store import RetrievalStore
from dp_accel_ros.predict.stages import StageTimes

BUNDLE_THRESHOLD = -2.0
"""No cosine is this low, so this value stands for the threshold that came with the bundle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AltConfig:
    """Parameters of ALT."""

    threshold: float = param(
        BUNDLE_THRESHOLD,
        "Cosine similarity below which an observation counts as out of distribution (gamma). "
        "-2 takes the bundle's calibrated value.",
        minimum=-2.0,
        maximum=1.0,
        live=True,
    )
    hysteresis_margin: float = param(
        0.3,
        "Stay on the demonstration of the previous chunk unless another frame is more similar by "
        "more than this: a wavering match mixes demonstrations that grasp a little differently. 0 "
        "keeps it only when nothing is better.",
        minimum=0.0,
        maximum=2.0,
        live=True,
    )

    def __post_init__(self) -> None:
        config.check(self)


@dataclass(frozen=True, slots=True)
class Alt:
    """Nearest neighbour by cosine similarity in the embedding of the ALT encoder."""

    store: RetrievalStore
    threshold: float
    """Similarity below which the observation counts as out of distribution."""

    hysteresis_margin: float

    @property
    def name(self) -> str:
        """Name under which it is listed in `METHODS`."""
        return "alt"

    @property
    def encoder(self) -> EncoderName:
        """The condition holds the ALT encoder's embedding of the newest frame, (B, K)."""
        return "alt"

    def act(
        self,
        condition: NDArray[np.float32],
        rng: np.random.Generator,
        previous: Sequence[Previous | None],
        times: StageTimes,
    ) -> Proposal:
        """Return one expert chunk for each row of the condition (B, K)."""
        del rng  # nothing is drawn
        with times.stage("retrieve"):
            found = self.store.alt_index.search(condition, 1)
            distances, best = found.distances[:, 0].tolist(), found.rows[:, 0].tolist()
            choices = zip(condition, best, distances, previous, strict=True)
            rows = [self._row(*choice) for choice in choices]
            actions = self.store.chunks(np.array(rows))
        costs = tuple(self._cost(*pair) for pair in zip(distances, rows, strict=True))
        return Proposal(actions, costs)

    def _row(
        self,
        embedding: NDArray[np.float32],
        best: int,
        distance: float,
        previous: Previous | None,
    ) -> int:
        """Return the best row, or the previous one continued unless it is beaten by the margin."""
        if previous is None or previous.match is None:
            return best
        episode, frame = previous.match
        continued = self.store.row(episode, frame + previous.elapsed_steps)
        similarity = float(embedding @ self.store.alt_keys[continued])
        beaten = cosine(distance) > similarity + self.hysteresis_margin
        # A match that is where the arm already was would be replayed for ever: where the expert
        # waits, what it did next moves nothing, and the same observation finds the same frame.
        found_episode, found_frame = self.store.match(best)
        stalled = found_episode == episode and found_frame <= frame
        return best if beaten and not stalled else continued

    def _cost(self, distance: float, row: int) -> Cost:
        return Cost(
            self.name,
            nfe=0,
            retrieval_distance=distance,
            match=self.store.match(row),
            ood=cosine(distance) < self.threshold,
            exactness="a demonstration, not a sample of the policy",
        )


def cosine(distance: float) -> float:
    """Return the cosine similarity of two unit vectors at a Euclidean distance."""
    return 1.0 - distance**2 / 2.0
