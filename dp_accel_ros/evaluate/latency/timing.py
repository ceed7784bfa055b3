# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""How long each method takes for one chunk, all in one run so that noise hits all alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.evaluate.statistics import Quantiles, quantiles
from dp_accel_ros.observation import Observation
from dp_accel_ros.predict.methods import Method
from dp_accel_ros.predict.policy import Prediction
from dp_accel_ros.predict.stages import Clock

VISIT_S = 0.15
"""A contender is timed for about so long before the next one has its turn."""

MAX_PER_VISIT = 20

SLOW_S = 0.3
"""A prediction that takes longer hardly notices what ran before it."""


class Predictor(Protocol):
    """What predicts as a `Policy` does."""

    def predict(
        self,
        observation: Observation,
        method: Method,
        rng: np.random.Generator,
        *,
        clock: Clock | None = None,
        previous: Prediction | None = None,
    ) -> Prediction:
        """Return the chunk that a method gives for one observation."""
        ...


@dataclass(frozen=True, slots=True)
class Contender:
    """A method on a backend."""

    label: str
    backend: str
    policy: Predictor
    method: Method


@dataclass(frozen=True, slots=True)
class Timing:
    """What one contender's chunks cost."""

    label: str
    backend: str
    nfe: int
    total_ms: Quantiles
    """Observation in, chunk out: normalising, encoding, retrieving and sampling."""

    stages_ms: Mapping[str, float]
    """Median of each stage."""


def measure(
    contenders: Sequence[Contender],
    observations: Sequence[Observation],
    clock: Clock,
    *,
    rounds: int = 30,
    seed: int = 0,
    on_round: Callable[[int], None] = lambda _: None,
) -> list[Timing]:
    """Time all contenders in turns and return their timings in order.

    Each goes through the observations in their order, again from the first after the last, and is
    given its own last prediction with each, so they may be those of whole episodes.

    Every round visits every contender once, in an order drawn anew. A visit begins with one
    prediction that is not timed, so that caches and threads belong to the one that is measured;
    contenders that take longer than `SLOW_S` do without.
    """
    if rounds < 1 or not observations:
        raise ConfigError(f"`rounds` must be at least 1, got {rounds}, with some observations")
    rng = np.random.default_rng(seed)
    stands = [_Stand(contender, observations, clock) for contender in contenders]
    for stand in stands:
        stand.warm_up()
    for index in range(rounds):
        for chosen in rng.permutation(len(stands)):
            stands[chosen].visit()
        on_round(index + 1)
    return [stand.timing() for stand in stands]


class _Stand:
    """One contender and its times so far."""

    def __init__(
        self, contender: Contender, observations: Sequence[Observation], clock: Clock
    ) -> None:
        self._contender, self._observations, self._clock = contender, observations, clock
        self._rng = np.random.default_rng(0)
        self._place = 0
        self._previous: Prediction | None = None
        self._per_visit, self._is_slow = 1, False
        self._nfe = 0
        self._seconds: list[float] = []
        self._stages: dict[str, list[float]] = {}

    def warm_up(self) -> None:
        """Predict some times without noting it, and see how often a visit can predict."""
        took = [self._rehearsed() for _ in range(3)]
        self._is_slow = min(took) > SLOW_S
        fit = VISIT_S / max(1e-6, min(took))
        self._per_visit = int(min(MAX_PER_VISIT, max(1, fit)))

    def visit(self) -> None:
        """Predict once untimed unless that takes long, then for the next observations."""
        if not self._is_slow:
            self._rehearsed()
        for _ in range(self._per_visit):
            seconds, prediction = self._predicted()
            self._place = (self._place + 1) % len(self._observations)
            self._previous = prediction
            self._seconds.append(seconds)
            for stage, took in prediction.cost.stage_s.items():
                self._stages.setdefault(stage, []).append(took)

    def timing(self) -> Timing:
        """Return what was noted."""
        return Timing(
            self._contender.label,
            self._contender.backend,
            self._nfe,
            quantiles(1e3 * np.array(self._seconds)),
            {stage: 1e3 * float(np.median(took)) for stage, took in self._stages.items()},
        )

    def _rehearsed(self) -> float:
        """Return how long the next prediction takes, and forget that it was made."""
        return self._predicted()[0]

    def _predicted(self) -> tuple[float, Prediction]:
        began = self._clock()
        prediction = self._contender.policy.predict(
            self._observations[self._place],
            self._contender.method,
            self._rng,
            clock=self._clock,
            previous=self._previous,
        )
        took = self._clock() - began
        self._nfe = prediction.cost.nfe
        return took, prediction
