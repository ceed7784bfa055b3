# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Scripted experts, one a task."""

from __future__ import annotations

from collections.abc import Callable

from dp_accel_ros.sim.experts.base import Expert
from dp_accel_ros.sim.experts.block_push import BlockPushExpert
from dp_accel_ros.sim.experts.lift import LiftExpert
from dp_accel_ros.sim.experts.pick_place import PickPlaceExpert

EXPERTS: dict[str, Callable[[], Expert]] = {
    "lift": LiftExpert,
    "pick_place": PickPlaceExpert,
    "block_push": BlockPushExpert,
}
"""The expert of every task, by the task's name."""

__all__ = ["EXPERTS", "Expert"]
