# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Parameters of the simulated robot."""

from __future__ import annotations

from dataclasses import dataclass

from dp_accel_ros import config
from dp_accel_ros.config import param
from dp_accel_ros.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class SimConfig:
    """How the simulated robot runs and what it shows."""

    task: str = param(
        "lift",
        "What there is to do.",
        one_of=("lift", "pick_place", "block_push", "pusht"),
    )
    seed: int = param(
        0,
        "The next reset starts the episode that belongs to this seed, and adds 1 to it.",
        minimum=0,
        live=True,
    )
    rate: float = param(
        100.0,
        "Joint states per second; between them the servo targets stand still.",
        minimum=1.0,
        maximum=500.0,
    )
    image_hz: float = param(
        0.0,
        "Images per second and camera, and states per second; `rate` must be a whole multiple. 0 "
        "means one at every control step of the task, 25 per second with the arm.",
        minimum=0.0,
        maximum=500.0,
    )
    publish_images: bool = param(
        True,
        "If false, no camera is drawn, which saves most of the processor time: for policies that "
        "take the state.",
    )
    lockstep: bool = param(
        False,
        "If true, time stands still on /clock until the joint_trajectory with the stamp of the "
        "current tick arrives; one tick is one image period.",
    )
    publish_front: bool = param(
        True, "If false, the front camera is dead, to see what the others do.", live=True
    )
    publish_wrist: bool = param(
        True, "If false, the wrist camera is dead, to see what the others do.", live=True
    )
    record: str = param(
        "", "File (.npz) that gets everything that happened, written at the end; empty for none."
    )

    def __post_init__(self) -> None:
        config.check(self)
        if self.image_hz:
            self.image_every(1.0 / self.image_hz)

    def image_every(self, dt: float) -> int:
        """Return the joint states per image, for a task with control steps of `dt` s.

        Raises:
            ConfigError: That is no whole number.
        """
        image_hz = self.image_hz or 1.0 / dt
        every = max(1, round(self.rate / image_hz))
        if abs(every - self.rate / image_hz) > 1e-6:
            raise ConfigError(
                f"`rate` must be a whole multiple of `image_hz`, got {self.rate:g} and {image_hz:g}"
            )
        return every

    @property
    def slice_s(self) -> float:
        """Time between joint states, in s."""
        return 1.0 / self.rate

    def shows(self, camera: str) -> bool:
        """Say whether a camera is alive."""
        return bool(getattr(self, f"publish_{camera}", True))
