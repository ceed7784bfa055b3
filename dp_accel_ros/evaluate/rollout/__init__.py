# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Episodes in simulation, many in lockstep, and the file that keeps their results."""

from __future__ import annotations

from dp_accel_ros.evaluate.rollout.lockstep import (
    EpisodeResult,
    Predict,
    RolloutConfig,
    Run,
    advance,
    batches,
    run_episodes,
)

__all__ = [
    "EpisodeResult",
    "Predict",
    "RolloutConfig",
    "Run",
    "advance",
    "batches",
    "run_episodes",
]
