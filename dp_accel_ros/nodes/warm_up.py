# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The first predictions, which are slow and never reach the robot."""

from __future__ import annotations

import numpy as np

from dp_accel_ros.manifest import Manifest
from dp_accel_ros.nodes.method_table import MethodTable
from dp_accel_ros.observation import Observation
from dp_accel_ros.predict.policy import Policy
from dp_accel_ros.predict.stages import Clock

REPEATS = 2
"""The first run allocates, the second shows what a run costs."""


def warm_up(policy: Policy, methods: MethodTable, clock: Clock) -> dict[str, float]:
    """Run every method on a grey observation; return the seconds that its last run took."""
    observation = _grey(policy.manifest)
    took_s = {}
    for name in methods.names:
        for repeat in range(REPEATS):
            rng = np.random.default_rng(repeat)
            done = policy.predict(observation, methods.chosen(name), rng, clock=clock)
            took_s[name] = done.cost.stage_s["total"]
    return took_s


def _grey(manifest: Manifest) -> Observation:
    n_steps = manifest.n_obs_steps
    images = {
        camera.name: np.full((n_steps, camera.height, camera.width, 3), 128, np.uint8)
        for camera in manifest.cameras
    }
    middle = [(joint.lower + joint.upper) / 2 for joint in manifest.joints]
    joints = np.tile(np.array(middle, np.float32), (n_steps, 1))
    return Observation(0, images, joints, np.zeros((n_steps, len(manifest.state)), np.float32))
