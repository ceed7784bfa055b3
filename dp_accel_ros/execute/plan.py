# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What a control tick yields: the trajectory to send, and what it follows or why it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from dp_accel_ros.execute.admission import OfferedChunk, Refusal
from dp_accel_ros.execute.trajectory import Trajectory


class Hold(StrEnum):
    """Why the arm is not following a chunk."""

    NO_JOINT_STATES = "no joint states yet"
    NO_CHUNK = "no chunk yet"
    RESET = "no chunk since the reset"
    EXHAUSTED = "chunk exhausted"
    STALE_OBSERVATION = "stale observation"
    STALE_JOINT_STATES = "joint states stopped"
    OFF_COURSE = "arm is not where it was commanded"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to tell the arm at one tick."""

    trajectory: Trajectory | None
    """From the commanded setpoint at now to rest; None while no joint state has been seen."""

    hold: Hold | None
    """None while a chunk is followed."""

    followed: OfferedChunk | None
    first_use: bool = False
    """True at the first tick that follows this chunk."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What happened since the start."""

    admitted: int
    superseded: int
    """Chunks that a newer one replaced before any tick."""

    late_actions: int
    refused: Mapping[Refusal, int]
    held_ticks: Mapping[Hold, int]
