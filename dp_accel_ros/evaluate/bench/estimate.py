# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""How long the episodes of a row will take here, from one chunk and a few ticks."""

from __future__ import annotations

import numpy as np

from dp_accel_ros.evaluate.bench.entrants import Entrant
from dp_accel_ros.evaluate.bench.protocol import Protocol
from dp_accel_ros.evaluate.latency.line_up import noise_observations
from dp_accel_ros.predict.stages import Clock
from dp_accel_ros.sim.base import Task

TICKS = 8


def tick_s(task: Task, clock: Clock, *, with_images: bool) -> float:
    """Return how long a control tick of the simulation takes, with what the cameras see, s."""
    task.reset(0)
    hold = task.joint_positions()
    if with_images:
        task.images()  # the first one makes the graphics context
    began = clock()
    for _ in range(TICKS):
        task.step(hold)
        if with_images:
            task.images()
    return (clock() - began) / TICKS


def row_s(
    entrant: Entrant, protocol: Protocol, missing: int, task: Task, tick: float, clock: Clock
) -> float:
    """Return how long a row's missing episodes take at most, s: as if none of them succeeded."""
    if not missing:
        return 0.0
    manifest = entrant.policy.manifest
    n_chunks = -(-task.max_ticks // manifest.n_action_steps)
    n_batches = -(-missing // protocol.n_tasks)
    return n_batches * n_chunks * _batch_s(entrant, protocol.n_tasks, clock) + (
        missing * task.max_ticks * tick
    )


def _batch_s(entrant: Entrant, size: int, clock: Clock) -> float:
    """Return how long a batch of chunks takes; a chunk is made, for noise, and scaled up."""
    (observation,) = noise_observations(entrant.policy.manifest, 1)
    times, nfe = [], 0
    for _ in range(2):
        began = clock()
        (prediction,) = entrant.prediction(np.random.default_rng(0))([observation], [None])
        times.append(clock() - began)
        nfe = prediction.cost.nfe
    took, costs = min(times), entrant.policy.batch_costs
    if not nfe or costs is None:
        return took * size
    one, many = costs.of(np.array([1, size])).tolist()
    return took * many / one
