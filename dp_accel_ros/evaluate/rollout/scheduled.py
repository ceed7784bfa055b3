# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Lockstep prediction with a learned scheduler: every chunk of every episode has its own plan."""

from __future__ import annotations

import numpy as np

from dp_accel_ros.evaluate.rollout.lockstep import Predict
from dp_accel_ros.observation import Observation
from dp_accel_ros.predict.assemble import make_method
from dp_accel_ros.predict.policy import Policy, Prediction
from dp_accel_ros.predict.speculation.scheduling.ppo_scheduler import PpoScheduler, planned


def scheduled_prediction(
    policy: Policy, scheduler: PpoScheduler, rng: np.random.Generator
) -> Predict:
    """Return a policy whose drafts a scheduler plans, and its randomness, as one function."""
    n_levels = len(policy.denoiser.schedule)

    def predict(
        observations: list[Observation], previous: list[Prediction | None]
    ) -> list[Prediction]:
        made = []
        for observation, before in zip(observations, previous, strict=True):
            joints, now_ns = observation.joints[-1], observation.stamp_ns
            seen = scheduler.view.in_lockstep(joints, now_ns, before, n_levels)
            config = planned(scheduler.base, scheduler.chosen(seen))
            method = make_method("tsdp", policy, config)
            made.append(policy.predict(observation, method, rng, previous=before))
        return made

    return predict
