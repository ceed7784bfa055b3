# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What a configured policy_node consists of besides ROS."""

from __future__ import annotations

import time
from dataclasses import dataclass

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.bundle import load_bundle
from dp_accel_ros.manifest import Manifest
from dp_accel_ros.nodes.inference_loop import InferenceLoop
from dp_accel_ros.nodes.inference_record import InferenceRecord
from dp_accel_ros.nodes.method_table import MethodTable
from dp_accel_ros.nodes.policy_config import PolicyNodeConfig
from dp_accel_ros.nodes.streams import Stream
from dp_accel_ros.nodes.warm_up import warm_up
from dp_accel_ros.observe.window import ObservationWindow
from dp_accel_ros.predict.assemble import load_policy
from dp_accel_ros.predict.methods import MethodConfig

JOINTS = "joint_states"
STATE = "state"


@dataclass(frozen=True, slots=True)
class PolicyParts:
    """A loaded and warm policy with all that feeds it."""

    manifest: Manifest
    methods: MethodTable
    window: ObservationWindow
    streams: dict[str, Stream]
    """One for each camera, one for the joints, and one for the state where there is one."""

    loop: InferenceLoop
    record: InferenceRecord
    warm_s: dict[str, float]
    """Seconds that a warm prediction took, by method."""

    def reset(self, now_ns: int) -> None:
        """Start a new epoch: nothing that was seen before now counts."""
        for stream in self.streams.values():
            stream.reset(now_ns)
        self.loop.reset(new_epoch())


def assemble(
    config: PolicyNodeConfig, backend: BackendConfig, methods: dict[str, MethodConfig]
) -> PolicyParts:
    """Load, verify and warm up a policy.

    Raises:
        DpAccelError: The bundle, the backend or a method's settings cannot be used.
    """
    clock = time.perf_counter
    bundle = load_bundle(config.bundle).observed_by(config.observe)
    policy = load_policy(bundle, backend, clock=clock)
    facts = policy.manifest
    table = MethodTable(policy, methods)
    table.chosen(config.method)  # what the bundle lacks for it is said now, not at the first chunk
    window = ObservationWindow(
        joint_names=facts.joint_names,
        camera_names=facts.camera_names,
        n_obs_steps=facts.n_obs_steps,
        dt=facts.dt,
        image_size={camera.name: (camera.height, camera.width) for camera in facts.cameras},
        state_names=facts.state,
    )
    names = (*facts.camera_names, JOINTS, *([STATE] if facts.state else []))
    return PolicyParts(
        manifest=facts,
        methods=table,
        window=window,
        streams={name: Stream() for name in names},
        loop=InferenceLoop(policy, window, seed=config.seed, epoch=new_epoch(), clock=clock),
        record=InferenceRecord(),
        warm_s=warm_up(policy, table, clock),
    )


def new_epoch() -> int:
    """Return an epoch number that is higher than any before, in this process or an earlier one."""
    return int(time.time())
