# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of policy_node."""

from __future__ import annotations

from dataclasses import dataclass

from dp_accel_ros import config
from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.config import param
from dp_accel_ros.errors import ConfigError
from dp_accel_ros.manifest.encoders import OBSERVE
from dp_accel_ros.predict.methods import METHOD_CONFIGS

CAMERA = "{camera}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyNodeConfig:
    """What policy_node loads, sees and does."""

    bundle: str = param("", "Folder of the bundle that holds the policy.")
    observe: str = param(
        "auto",
        "What the policy takes beside the joints: `pixels` or the task's `state`. `auto` takes what "
        "the bundle was made for; `pixels` with a bundle made for the state needs its estimator.",
        one_of=OBSERVE,
    )
    method: str = param(
        "ragdp",
        "How chunks are made. A change is used from the next chunk on.",
        one_of=tuple(METHOD_CONFIGS),
        live=True,
    )
    seed: int = param(
        0, "Seed of all randomness; chunk i of a run is drawn from (seed, i).", minimum=0
    )
    replan_steps: int = param(
        0,
        "Control steps from one observation that a chunk is made from to the next. 0 means the "
        "bundle's `n_action_steps`; fewer reacts sooner and costs more.",
        minimum=0,
        maximum=1000,
        live=True,
    )
    max_observation_age_s: float = param(
        0.2,
        "An observation older than this is not used, and a stream without a newer sample counts "
        "as stale.",
        minimum=0.01,
        maximum=10.0,
        live=True,
    )
    image_topic: str = param(
        "camera/{camera}/image_raw",
        "Topic of each camera's images; `{camera}` becomes the name in the bundle.",
    )
    state_topic: str = param(
        "task/state",
        "Topic of what else the policy takes, a `sensor_msgs/JointState` with the names in the "
        "bundle's `state`; unused where the bundle has none.",
    )
    use_compressed: bool = param(
        False, "Subscribe to `sensor_msgs/CompressedImage` at `image_topic` + `/compressed`."
    )
    obey_scheduler: bool = param(
        True,
        "If true, a method or settings in `scheduler/decision` go before the parameters here.",
        live=True,
    )
    autostart: bool = param(
        True,
        "Configure and activate at start. If false, a lifecycle manager does it. A node that "
        "starts itself ends with an error when it cannot be configured.",
    )
    nice: int = param(
        0,
        "Niceness of the process; more lets others on the same processor go first.",
        minimum=0,
        maximum=19,
    )

    def __post_init__(self) -> None:
        config.check(self)
        if CAMERA not in self.image_topic:
            raise ConfigError(f"`image_topic` must contain {CAMERA}, got {self.image_topic!r}")

    def camera_topic(self, camera: str) -> str:
        """Return the topic of a camera's images."""
        return self.image_topic.replace(CAMERA, camera) + "/compressed" * self.use_compressed


PARAMETERS: dict[str, type] = {"": PolicyNodeConfig, "backend": BackendConfig, **METHOD_CONFIGS}
"""What policy_node declares, by the prefix of the names."""
