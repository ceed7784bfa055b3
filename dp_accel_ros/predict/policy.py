# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The policy: from what the robot saw to what it should do.

    Observation ─ normalise, encode ─ condition ─── method ─── chunk ─ unnormalise ─ ActionChunk
    To frames and joints              (B, To, C)   draws,    (B, Tp, Da)         (Tp-To+1, Da)
                                                  retrieves,
                                                   samples

The method is chosen anew for every chunk; networks, normalizers and store stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.chunk import NS_PER_S, ActionChunk, Cost
from dp_accel_ros.errors import ConfigError, NotFiniteError
from dp_accel_ros.manifest import Manifest
from dp_accel_ros.observation import Observation
from dp_accel_ros.observe.encoders import Encoder
from dp_accel_ros.observe.normalizer import Normalizer
from dp_accel_ros.predict.checks import check_observation
from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.methods.base import EncoderName, Method, Previous
from dp_accel_ros.predict.redi.knowledge_base import KnowledgeBase
from dp_accel_ros.predict.retrieval.calibration import Calibration
from dp_accel_ros.predict.retrieval.store import RetrievalStore
from dp_accel_ros.predict.speculation.batch_costs import BatchCosts
from dp_accel_ros.predict.stages import Clock, StageTimes


@dataclass(frozen=True, slots=True)
class Prediction:
    """A chunk with what it cost."""

    chunk: ActionChunk
    """Actions from the observation on, (Tp - To + 1, Da); the first is due at its stamp."""

    cost: Cost
    normalised: NDArray[np.float32]
    """The whole chunk in [-1, 1], counted from the oldest observation, (Tp, Da)."""

    condition: NDArray[np.float32] | None = None
    """Features that the method was given, (To, C) or, of the ALT encoder, (K,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a bundle holds, ready to run; its methods share it, and so may threads."""

    manifest: Manifest
    encoders: Mapping[EncoderName, Encoder]
    joints: Normalizer
    actions: Normalizer
    denoiser: Denoiser
    edm: Denoiser | None = None
    """The EDM teacher, None where the bundle has none."""

    consistency: Denoiser | None = None
    """The consistency student, None where the bundle has none."""

    store: RetrievalStore | None = None
    """None where the bundle has no demonstrations."""

    calibration: Calibration | None = None
    """How far the store can be trusted, None where the bundle does not know it."""

    drafter: Denoiser | None = None
    """The denoiser distilled into one layer, None where the bundle has none."""

    knowledge: KnowledgeBase | None = None
    """Trajectories of the solver, None where the bundle has none."""

    precision: str = "float32"
    """Numbers of the denoisers' products: `float32` or `int8`."""

    batch_costs: BatchCosts | None = None
    """What a batch of the denoising network costs here, if it was measured."""

    def predict(
        self,
        observation: Observation,
        method: Method,
        rng: np.random.Generator,
        *,
        clock: Clock | None = None,
        previous: Prediction | None = None,
    ) -> Prediction:
        """Return the chunk that a method gives for one observation.

        Args:
            observation: The newest `n_obs_steps` control steps.
            method: From `make_method` with this policy.
            rng: All randomness there is; the same state gives the same chunk.
            clock: Seconds, to time the stages `encode`, `retrieve`, `sample` and `total`.
            previous: What this robot was given last, or None at the start of an episode.
        """
        return self.predict_batch([observation], method, rng, clock=clock, previous=[previous])[0]

    def predict_batch(
        self,
        observations: Sequence[Observation],
        method: Method,
        rng: np.random.Generator,
        *,
        clock: Clock | None = None,
        previous: Sequence[Prediction | None] | None = None,
    ) -> list[Prediction]:
        """Return one chunk for each observation, each network run once for all; see `predict`."""
        before = [None] * len(observations) if previous is None else previous
        if len(before) != len(observations) or not observations:
            sizes = f"{len(observations)} observations and {len(before)} `previous`"
            raise ConfigError(
                f"expected as many predictions as observations, at least 1, got {sizes}"
            )
        for observation in observations:
            check_observation(observation, self.manifest)
        times = StageTimes(clock)
        with times.stage("total"):
            with times.stage("encode"):
                condition = self.condition(observations, method.encoder)
            seen = [self._seen(*pair) for pair in zip(before, observations, strict=True)]
            proposal = method.act(condition, rng, seen, times)
            actions = self.actions.unnormalize(proposal.actions)  # (B, Tp, Da)
            _check_finite(actions, method.name)
        return [
            Prediction(
                # It counts from the oldest observation; what was due before the newest is past.
                ActionChunk(raw[self.manifest.n_obs_steps - 1 :], obs.stamp_ns, self.manifest.dt),
                replace(cost, stage_s=times.seconds, exactness=self._exactness(cost)),
                normalised,
                given,
            )
            for obs, raw, normalised, cost, given in zip(
                observations, actions, proposal.actions, proposal.costs, condition, strict=True
            )
        ]

    def condition(
        self, observations: Sequence[Observation], encoder: EncoderName = "policy"
    ) -> NDArray[np.float32]:
        """Return features (B, To, C) of the policy encoder, or (B, K) of the ALT encoder."""
        n_steps = self.manifest.n_obs_steps if encoder == "policy" else 1
        images = {
            name: np.concatenate([obs.images[name][-n_steps:] for obs in observations])
            for name in self.manifest.camera_names
        }  # (B * n_steps, H, W, 3)
        joints = np.concatenate([obs.joints[-n_steps:] for obs in observations])
        states = [obs.state[-n_steps:] for obs in observations if obs.state is not None]
        features = self.encoders[encoder].encode(
            images,
            self.joints.normalize(joints),
            np.concatenate(states) if self.manifest.state else None,
        )
        if encoder == "alt":
            return features
        return features.reshape(len(observations), n_steps, -1)

    def _exactness(self, cost: Cost) -> str:
        """Return what a method says of its chunk, and which network it says it of."""
        quantised = cost.nfe and self.precision != "float32"
        return f"{cost.exactness}; denoiser in {self.precision}" if quantised else cost.exactness

    def denoise_batch(self, n: int) -> None:
        """Run the denoising network on `n` states under one condition, to measure what it costs."""
        facts = self.manifest
        chunks = np.zeros((n, facts.horizon, len(facts.joints)), np.float32)
        condition = np.zeros((1, facts.n_obs_steps, facts.denoiser.feature_dim), np.float32)
        self.denoiser.given(condition)(chunks, len(self.denoiser.schedule) // 2)

    def _seen(self, previous: Prediction | None, now: Observation) -> Previous | None:
        """Return the previous prediction as a method needs it; None when time ran backwards."""
        if previous is None or previous.chunk.stamp_ns > now.stamp_ns:
            return None
        elapsed_s = (now.stamp_ns - previous.chunk.stamp_ns) / NS_PER_S
        steps = round(elapsed_s / self.manifest.dt)
        cost = previous.cost
        return Previous(steps, previous.normalised, cost.match, cost.speculation)


def _check_finite(actions: NDArray[np.float32], method: str) -> None:
    bad = ~np.isfinite(actions)
    if bad.any():
        raise NotFiniteError(f"actions of {method!r}", int(bad.sum()), bad.size)
