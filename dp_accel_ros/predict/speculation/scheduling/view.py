# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What a learned scheduler sees, as numbers: one definition for training, evaluation and nodes.

    features     newest frame that the last chunk was made from, as the policy encoder sees it (C)
    joints       where the arm is now, normalised                                             (Dj)
    action       what the last chunk asks for now, normalised                                 (Da)
    course       how far it goes from there to its end, normalised                            (Da)
    progress     time since the episode began, as a share of the longest episode               (1)
    acceptance   share of the tested drafts that held in each stage of the last chunk          (3)
    rounds       serial network calls of the last chunk, as a share of the base sampler's      (1)
    rows         states that they evaluated, likewise                                          (1)
    known        1 when there is a last chunk; without one, all that comes from it is 0        (1)

The scheduler decides while the encoder is at work, so the features are those of the chunk before.
`rounds` is the latency where a batch costs as much as one state, `rows` where it costs as much
as its states. Seconds are not used: what else a machine does would then change the decision.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.chunk import NS_PER_S, ActionChunk
from dp_accel_ros.errors import ShapeError
from dp_accel_ros.manifest import Manifest
from dp_accel_ros.observe.normalizer import Normalizer
from dp_accel_ros.predict.policy import Prediction
from dp_accel_ros.predict.speculation.closed_form import PRIOR
from dp_accel_ros.predict.speculation.plan import STAGES, stage_of
from dp_accel_ros.speculation_facts import SpeculationFacts

LIMIT = 5.0
"""Numbers are cut here, so that one wild feature cannot drown the others."""


@dataclass(frozen=True, slots=True, eq=False)
class LastChunk:
    """What is known of the newest chunk when the plan of the next is chosen."""

    chunk: ActionChunk
    features: NDArray[np.float32]
    """Of the newest frame that it was made from, (C,)."""

    acceptance: tuple[float, ...]
    """One number a stage; NaN where no draft was tested."""

    rounds: float
    """Serial network calls, as a share of the base sampler's."""

    rows: float
    """States that were evaluated, likewise."""

    @classmethod
    def of(cls, prediction: Prediction, n_levels: int) -> LastChunk | None:
        """Return what a prediction tells, or None when it did not speculate."""
        facts, condition = prediction.cost.speculation, prediction.condition
        if facts is None or condition is None:
            return None
        n_steps = len(facts.levels)
        return cls(
            prediction.chunk,
            condition[-1],
            stage_acceptance(facts, n_levels),
            facts.rounds / n_steps,
            facts.rows / n_steps,
        )


def stage_acceptance(facts: SpeculationFacts, n_levels: int) -> tuple[float, ...]:
    """Return the share of the tested drafts that held in each stage; NaN where none was tested."""
    stages, tested = stage_of(facts.levels, n_levels), facts.tested
    n_tested = np.bincount(stages[tested], minlength=STAGES)
    n_kept = np.bincount(stages[tested & facts.kept], minlength=STAGES)
    pairs = zip(n_kept.tolist(), n_tested.tolist(), strict=True)
    return tuple(kept / of if of else float("nan") for kept, of in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerView:
    """From what is known of a robot to the numbers that an actor takes."""

    joints: Normalizer
    actions: Normalizer
    n_joints: int
    feature_dim: int
    episode_s: float
    """Length of the longest episode, s."""

    @classmethod
    def of(cls, manifest: Manifest, episode_s: float) -> SchedulerView:
        """Return the view of a bundle's robot."""
        return cls(
            joints=Normalizer.from_bounds(manifest.normalization.joints),
            actions=Normalizer.from_bounds(manifest.normalization.actions),
            n_joints=len(manifest.joints),
            feature_dim=manifest.encoder.feature_dim,
            episode_s=episode_s,
        )

    @property
    def inputs(self) -> dict[str, int]:
        """How many numbers each part has, in their order."""
        of_arm = dict.fromkeys(("joints", "action", "course"), self.n_joints)
        ones = {"rounds": 1, "rows": 1, "known": 1}
        return {
            "features": self.feature_dim,
            **of_arm,
            "progress": 1,
            "acceptance": STAGES,
            **ones,
        }

    @property
    def size(self) -> int:
        """Numbers in all."""
        return sum(self.inputs.values())

    def vector(
        self,
        joints: NDArray[np.floating],
        now_ns: int,
        began_ns: int,
        last: LastChunk | None,
    ) -> NDArray[np.float32]:
        """Return what an actor sees, (size,).

        Args:
            joints: Measured positions, (Dj,), in raw units.
            now_ns: The time of the decision.
            began_ns: When the episode began, on the same clock.
            last: The newest chunk and what it tells; None at the start of an episode.

        Raises:
            ShapeError: The robot has other joints or the policy other features.
        """
        if np.shape(joints) != (self.n_joints,):
            raise ShapeError("joints", (self.n_joints,), np.shape(joints))
        progress = (now_ns - began_ns) / NS_PER_S / self.episode_s
        measured = self.joints.normalize(np.asarray(joints, np.float32))
        seen = [self._features(last), measured, *self._motion(last, now_ns), [progress]]
        if last is None:
            seen.append(np.zeros(STAGES + 3))
        else:
            # A stage without drafts says nothing; an actor cannot take NaN.
            told = [PRIOR if np.isnan(share) else share for share in last.acceptance]
            seen.append([*told, last.rounds, last.rows, 1.0])
        vector = np.concatenate(seen).astype(np.float32)
        if vector.shape != (self.size,):
            raise ShapeError("scheduler input", (self.size,), vector.shape)
        return np.clip(vector, -LIMIT, LIMIT)

    def in_lockstep(
        self,
        joints: NDArray[np.floating],
        now_ns: int,
        previous: Prediction | None,
        n_levels: int,
    ) -> NDArray[np.float32]:
        """Return what an actor sees where time is counted from the start of the episode."""
        last = None if previous is None else LastChunk.of(previous, n_levels)
        return self.vector(joints, now_ns, 0, last)

    def _features(self, last: LastChunk | None) -> NDArray[np.float32]:
        return np.zeros(self.feature_dim, np.float32) if last is None else last.features

    def _motion(
        self, last: LastChunk | None, now_ns: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the action that is due now and the way from it to the last one, (Da,) each."""
        if last is None:
            return np.zeros(self.n_joints, np.float32), np.zeros(self.n_joints, np.float32)
        chunk = last.chunk
        elapsed = round((now_ns - chunk.stamp_ns) / NS_PER_S / chunk.dt)
        index = min(max(elapsed, 0), len(chunk.actions) - 1)
        now, end = self.actions.normalize(chunk.actions[[index, -1]])
        return now, end - now
