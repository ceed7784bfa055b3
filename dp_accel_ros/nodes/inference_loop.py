# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""When to predict, and what one prediction must know of the last."""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import Lock

import numpy as np

from dp_accel_ros.chunk import NS_PER_S
from dp_accel_ros.observe.window import Missing, ObservationWindow
from dp_accel_ros.predict.methods import Method
from dp_accel_ros.predict.policy import Policy, Prediction
from dp_accel_ros.predict.stages import Clock


@dataclass(frozen=True, slots=True)
class Inference:
    """A prediction and its place in the stream of chunks."""

    prediction: Prediction
    epoch: int
    sequence: int
    seed: int


@dataclass(frozen=True, slots=True)
class Idle:
    """No prediction was made, and why."""

    reason: str
    is_fault: bool
    """False when there is simply nothing new to predict from yet."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the stream of chunks we are."""

    epoch: int
    sequence: int = 0
    previous: Prediction | None = None
    method: str = ""


WAITING = Idle("waiting for the next observation", is_fault=False)
RESET = Idle("reset during the prediction", is_fault=False)


class InferenceLoop:
    """Predicts once for every observation that is due.

    `step` comes from the inference thread, `reset` from any; the lock is not held while networks
    run, so a reset never waits for them, and what was begun before it is thrown away.
    """

    def __init__(
        self, policy: Policy, window: ObservationWindow, *, seed: int, epoch: int, clock: Clock
    ) -> None:
        self._policy, self._window, self._seed, self._clock = policy, window, seed, clock
        self._lock = Lock()
        self._place = _Place(epoch)

    @property
    def epoch(self) -> int:
        """Number of the stretch since the last reset; it only rises."""
        return self._place.epoch

    def reset(self, epoch: int) -> None:
        """Forget observations and predictions and number what follows as a new epoch."""
        with self._lock:
            self._place = _Place(max(epoch, self._place.epoch + 1))
            self._window.reset()

    def step(
        self, now_ns: int, method: Method, replan_steps: int, max_age_s: float
    ) -> Inference | Idle:
        """Return the prediction that is due now, or why there is none.

        Args:
            now_ns: The time on the clock that stamps the observations.
            method: What turns the observation into a chunk.
            replan_steps: Control steps from one observation that is used to the next.
            max_age_s: An observation that is older is not used.
        """
        # A place is only ever replaced, so what was read here stays true of its chunk.
        with self._lock:
            place = self._place
        if not self._is_due(place, replan_steps):
            return WAITING
        observation = self._window.latest()
        if isinstance(observation, Missing):
            return Idle(observation.text, is_fault=True)
        age_s = (now_ns - observation.stamp_ns) / NS_PER_S
        if age_s > max_age_s:
            return Idle(f"newest observation is {age_s:.3g} s old", is_fault=True)
        prediction = self._policy.predict(
            observation,
            method,
            # one generator for each chunk, so that a recorded chunk can be made again alone
            np.random.default_rng([self._seed, place.sequence]),
            clock=self._clock,
            # What one method chose says nothing to another: matches and acceptance are its own.
            previous=place.previous if place.method == method.name else None,
        )
        made = replace(place, sequence=place.sequence + 1, previous=prediction, method=method.name)
        with self._lock:
            # Made from a world that is no more, and the scheduler must not hear of it.
            if self._place.epoch != place.epoch:
                return RESET
            self._place = made
        return Inference(prediction, place.epoch, place.sequence, self._seed)

    def _is_due(self, place: _Place, replan_steps: int) -> bool:
        if place.previous is None:
            return True
        stamp_ns = self._window.newest_stamp_ns()
        chunk = place.previous.chunk
        # half a step of slack, so that jitter of a camera's stamps cannot skip a frame
        due_ns = chunk.stamp_ns + round((replan_steps - 0.5) * chunk.dt * NS_PER_S)
        return stamp_ns is not None and stamp_ns >= due_ns
