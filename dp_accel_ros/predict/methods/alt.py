# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""ALT: replay the expert chunk of the most similar demonstrated frame; no denoising at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros import config
from dp_accel_ros.chunk import Candidate, Cost
from dp_accel_ros.config import param
from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.methods.base import EncoderName, Previous, Proposal
from dp_accel_ros.predict.retrieval.base import Neighbours, cosine
from dp_accel_ros.predict.retrieval.episodes import nearest_episodes
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
    false_alarm_rate: float = param(
        0.0,
        "Instead of `threshold`: at most this share of in-distribution observations is flagged "
        "(split-conformal over the demonstrations). 0 leaves it to `threshold`.",
        minimum=0.0,
        maximum=0.99,
        live=True,
    )
    candidates: int = param(
        3,
        "Episodes whose best frame is considered; the result names them with their similarity.",
        minimum=1,
        maximum=100,
        live=True,
    )
    choice: str = param(
        "best",
        "Which candidate is replayed. `best` is the most similar, `draw` draws evenly among those "
        "that reach the threshold, so that modes survive.",
        one_of=("best", "draw"),
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
        if self.false_alarm_rate > 0.0 and self.threshold != BUNDLE_THRESHOLD:
            raise ConfigError(
                "give `threshold` or `false_alarm_rate`, not both: got"
                f" {self.threshold:g} and {self.false_alarm_rate:g}"
            )


@dataclass(frozen=True, slots=True)
class Alt:
    """Nearest neighbour by cosine similarity in the embedding of the ALT encoder."""

    store: RetrievalStore
    threshold: float
    """Similarity below which the observation counts as out of distribution."""

    hysteresis_margin: float
    n_candidates: int = 3
    choice: str = "best"

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
        with times.stage("retrieve"):
            index, ends = self.store.alt_index, self.store.ends
            found = nearest_episodes(index, condition, ends, self.n_candidates)
            candidates = self._candidates(found)
            triples = zip(condition, candidates, previous, strict=True)
            rows = [self._row(*triple, rng) for triple in triples]
            actions = self.store.chunks(np.array(rows))
        facts = zip(found.distances[:, 0].tolist(), candidates, rows, strict=True)
        return Proposal(actions, tuple(self._cost(*fact) for fact in facts))

    def _candidates(self, found: Neighbours) -> list[tuple[Candidate, ...]]:
        """Return what is known of the nearest rows (B, n), best first."""
        return [
            tuple(
                Candidate(self.store.match(row), cosine(distance))
                for row, distance in zip(rows, distances, strict=True)
            )
            for rows, distances in zip(found.rows.tolist(), found.distances.tolist(), strict=True)
        ]

    def _row(
        self,
        embedding: NDArray[np.float32],
        candidates: tuple[Candidate, ...],
        previous: Previous | None,
        rng: np.random.Generator,
    ) -> int:
        """Return the chosen row, or the previous one continued unless it is beaten by the margin."""
        if previous is None or previous.match is None:
            return self.store.row(*self._chosen(candidates, rng).match)
        episode, frame = previous.match
        continued = self.store.row(episode, frame + previous.elapsed_steps)
        # Both have norm 1, so the product is the cosine.
        similarity = float(embedding @ self.store.alt_keys[continued])
        if candidates[0].similarity <= similarity + self.hysteresis_margin:
            return continued
        # A match that is where the arm already was would be replayed for ever: where the expert
        # waits, what it did next moves nothing, and the same observation finds the same frame.
        found_episode, found_frame = self._chosen(candidates, rng).match
        stalled = found_episode == episode and found_frame <= frame
        return continued if stalled else self.store.row(found_episode, found_frame)

    def _chosen(self, candidates: tuple[Candidate, ...], rng: np.random.Generator) -> Candidate:
        """Return the best candidate, or draw one; out of distribution the best is all there is."""
        known = [one for one in candidates if one.similarity >= self.threshold]
        if self.choice == "best" or not known:
            return candidates[0]
        return known[int(rng.integers(len(known)))]

    def _cost(self, distance: float, candidates: tuple[Candidate, ...], row: int) -> Cost:
        return Cost(
            self.name,
            nfe=0,
            retrieval_distance=distance,
            match=self.store.match(row),
            candidates=candidates,
            ood=candidates[0].similarity < self.threshold,
            exactness="a demonstration, not a sample of the policy",
        )
