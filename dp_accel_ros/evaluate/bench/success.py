# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The first pass: every row's episodes, in lockstep, on the same seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from dp_accel_ros.evaluate.bench.entrants import Entrant
from dp_accel_ros.evaluate.bench.folder import BenchFolder
from dp_accel_ros.evaluate.bench.protocol import Protocol
from dp_accel_ros.evaluate.rollout import EpisodeResult, RolloutConfig, run_episodes
from dp_accel_ros.evaluate.rollout.file import evaluate
from dp_accel_ros.observation import Observation
from dp_accel_ros.predict.policy import Prediction
from dp_accel_ros.sim.base import Task


def rollout_config(entrant: Entrant) -> RolloutConfig:
    """Return how a row's chunks are executed."""
    return RolloutConfig.of(entrant.policy.manifest, refuse_ood=entrant.row.refuse_ood)


def run_row(
    entrant: Entrant,
    folder: BenchFolder,
    protocol: Protocol,
    tasks: Sequence[Task],
    on_batch: Callable[[Sequence[EpisodeResult]], None] = lambda _: None,
) -> None:
    """Run the episodes of a row that its file lacks."""
    evaluate(
        entrant.policy,
        entrant.method,
        tasks,
        protocol.seeds,
        rollout_config(entrant),
        folder.row_file(entrant, protocol),
        on_batch,
        entrant.scheduler,
    )


def observations_of(entrant: Entrant, task: Task, seeds: Sequence[int]) -> list[Observation]:
    """Return what the robot saw at every chunk of some episodes, one episode after the other."""
    seen: list[Observation] = []
    predict = entrant.prediction(np.random.default_rng(seeds))

    def watched(
        observations: list[Observation], previous: list[Prediction | None]
    ) -> Sequence[Prediction]:
        seen.extend(observations)
        return predict(observations, previous)

    for seed in seeds:
        run_episodes([task], [seed], watched, rollout_config(entrant))
    return seen
