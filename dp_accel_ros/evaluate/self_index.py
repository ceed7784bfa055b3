# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A retrieval store without demonstrations: what the policy itself did where it succeeded.

Every tick of a successful episode is a row, as a frame of a demonstration is: its key is the
condition that the policy met there, its action the one that a sampled chunk had for it. A chunk
that starts where one was sampled begins with that chunk's own actions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.bundle import StoreArrays
from dp_accel_ros.errors import DataError
from dp_accel_ros.evaluate.rollout import Predict, RolloutConfig, Run
from dp_accel_ros.predict.policy import Policy
from dp_accel_ros.sim.base import Task

LEAST_RATE = 0.05
"""Success rate below which collecting gives up: such a policy is no expert."""

PATIENCE = 20
"""Failures in a row at the start that say nothing yet."""


@dataclass(frozen=True, slots=True)
class EpisodeRows:
    """What one episode adds to a store, a row a tick."""

    keys: list[NDArray[np.float32]] = field(default_factory=list)
    alt_keys: list[NDArray[np.float32]] = field(default_factory=list)
    actions: list[NDArray[np.float32]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Collected:
    """The successful episodes of a policy."""

    arrays: StoreArrays
    seeds: tuple[int, ...]
    """Of the episodes in the store, in its order."""

    n_tried: int
    """Episodes that were run."""


def collect(
    policy: Policy,
    predict: Callable[[Sequence[int]], Predict],
    tasks: Sequence[Task],
    n_episodes: int,
    first_seed: int,
    on_batch: Callable[[int, int], None],
) -> Collected:
    """Return the first successful episodes from a seed on, as many at once as there are tasks.

    Args:
        policy: Its encoders give the keys.
        predict: From the seeds of episodes that run together to what predicts for them.
        tasks: Where episodes run.
        n_episodes: Successes wanted.
        first_seed: Seed of the first episode; the next ones follow.
        on_batch: Told how many episodes succeeded and how many were run.

    Raises:
        DataError: The policy fails nearly always.
    """
    kept: dict[int, EpisodeRows] = {}
    n_tried = 0
    for found in batches_of_successes(policy, predict, tasks, first_seed):
        kept |= found
        n_tried += len(tasks)
        on_batch(min(len(kept), n_episodes), n_tried)
        if len(kept) >= n_episodes:
            break
    seeds = tuple(sorted(kept))[:n_episodes]
    return Collected(_arrays([kept[seed] for seed in seeds]), seeds, n_tried)


def batches_of_successes(
    policy: Policy,
    predict: Callable[[Sequence[int]], Predict],
    tasks: Sequence[Task],
    first_seed: int,
) -> Iterator[dict[int, EpisodeRows]]:
    """Yield, without end, the successes of as many episodes as there are tasks, rising by seed.

    Raises:
        DataError: The policy fails nearly always.
    """
    config = RolloutConfig.of(policy.manifest)
    n_kept = n_tried = 0
    while True:
        seeds = range(first_seed + n_tried, first_seed + n_tried + len(tasks))
        found = successes(policy, predict(seeds), tasks, seeds, config)
        n_tried, n_kept = n_tried + len(tasks), n_kept + len(found)
        yield found
        if n_tried > PATIENCE and n_kept < LEAST_RATE * n_tried:
            raise DataError(f"the policy succeeded in {n_kept} of {n_tried} episodes only")


def successes(
    policy: Policy,
    predict: Predict,
    tasks: Sequence[Task],
    seeds: Sequence[int],
    config: RolloutConfig,
) -> dict[int, EpisodeRows]:
    """Return the rows of the episodes that succeed, by seed, all run in lockstep."""
    runs = [Run(task, seed, config) for task, seed in zip(tasks, seeds, strict=True)]
    rows = {seed: EpisodeRows() for seed in seeds}
    for tick in range(runs[0].task.max_ticks):
        under_way = [run for run in runs if not run.done]
        if not under_way:
            break
        for run in under_way:
            run.observe()
        seen = [run.observation() for run in under_way]
        if config.infers(tick):
            predictions = predict(seen, [run.newest for run in under_way])
            for run, prediction in zip(under_way, predictions, strict=True):
                run.receive(prediction)
        keys, alt_keys = policy.condition(seen), policy.condition(seen, "alt")
        for run, key, alt_key in zip(under_way, keys, alt_keys, strict=True):
            mine = rows[run.seed]
            mine.keys.append(key.ravel())
            mine.alt_keys.append(alt_key)
            mine.actions.append(run.action().astype(np.float32))
            run.step()
    return {run.seed: rows[run.seed] for run in runs if run.success}


def _arrays(episodes: Sequence[EpisodeRows]) -> StoreArrays:
    return StoreArrays(
        actions=np.concatenate([episode.actions for episode in episodes]),
        episode_ends=np.cumsum([len(episode.actions) for episode in episodes]).astype(np.int64),
        keys=np.concatenate([episode.keys for episode in episodes]),
        alt_keys=np.concatenate([episode.alt_keys for episode in episodes]),
    )
