# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The interface of the scripted experts that make demonstrations."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from dp_accel_ros.sim.arm_task import ArmTask
from dp_accel_ros.sim.base import Array


class Expert(Protocol):
    """Solves one task, a little differently every time."""

    def reset(self, task: ArmTask, rng: np.random.Generator) -> None:
        """Plan from where the task is now; `rng` draws speeds, heights and curves."""
        ...

    def act(self, task: ArmTask) -> Array:
        """Return the joint targets, (Da,), of the coming tick; call once a tick."""
        ...

    def done(self, task: ArmTask) -> bool:
        """Say whether the plan is over and the expert only holds still."""
        ...
