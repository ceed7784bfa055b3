# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""An invented arm, its chunks and its clock, for the tests of `execute/`."""

from __future__ import annotations

import numpy as np

from dp_accel_ros.chunk import ActionChunk
from dp_accel_ros.execute.admission import OfferedChunk
from dp_accel_ros.execute.chunk_scheduler import ChunkScheduler
from dp_accel_ros.execute.execution_config import ExecutionConfig
from dp_accel_ros.execute.limits import JointLimits

DT = 0.04
STEP_NS = 40_000_000
START_NS = 1_000_000_000
LIMITS = JointLimits(np.array([-2.0, 0.0]), np.array([2.0, 0.04]), np.array([2.0, 0.2]))
HOME = np.array([0.1, 0.02])


def ns(steps: float) -> int:
    """Return the time after `steps` control steps."""
    return START_NS + round(steps * STEP_NS)


def scheduler(**settings: float) -> ChunkScheduler:
    """Return a scheduler of a two-joint arm that was measured at home."""
    config = ExecutionConfig(**settings)
    made = ChunkScheduler(LIMITS, np.array([True, False]), DT, config)
    made.observe(ns(0), HOME)
    return made


def chunk(step: float, n: int = 15, rate: float = 0.01, base: np.ndarray = HOME) -> ActionChunk:
    """Return a chunk observed at a step whose first joint moves by `rate` a step."""
    actions = np.tile(base, (n, 1))
    actions[:, 0] += rate * np.arange(n)
    return ActionChunk(actions.astype(np.float32), ns(step), DT)


def offered(step: float, sequence: int = 1, epoch: int = 1, **shape: float) -> OfferedChunk:
    """Return that chunk with a place in the stream."""
    return OfferedChunk(chunk(step, **shape), epoch, sequence)
