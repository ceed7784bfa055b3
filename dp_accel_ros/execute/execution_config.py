# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""How chunks become motion."""

from __future__ import annotations

from dataclasses import dataclass

from dp_accel_ros import config
from dp_accel_ros.config import param


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionConfig:
    """How chunks become motion."""

    blend_s: float = param(
        0.16,
        "Seconds in which the offset between the commanded course and a new chunk vanishes. "
        "Shorter follows the new chunk sooner, longer is smoother.",
        minimum=0.0,
        maximum=2.0,
    )
    stop_s: float = param(
        0.15,
        "Seconds in which the arm comes to rest when it must stop before its chunk ends.",
        minimum=0.02,
        maximum=2.0,
    )
    max_observation_age_s: float = param(
        1.0,
        "A chunk whose observation is older stops moving the arm, even if actions are left.",
        minimum=0.05,
        maximum=60.0,
    )
    joint_timeout_s: float = param(
        0.5,
        "Seconds without a joint state after which the arm holds.",
        minimum=0.02,
        maximum=60.0,
    )
    max_course_error_rad: float = param(
        0.5,
        "A revolute joint measured further from its command drops the chunk and holds at the "
        "measured position. 0 turns this off.",
        minimum=0.0,
        maximum=6.3,
    )
    refuse_ood: bool = param(
        False,
        "Refuse chunks that the policy marks as out of distribution; without others the arm holds.",
    )
    velocity_scale: float = param(
        1.0,
        "Share of the joints' maximum velocities that may be used.",
        minimum=0.01,
        maximum=1.0,
    )

    def __post_init__(self) -> None:
        config.check(self)
