# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What a trained policy did where it succeeded, for a store that nobody else's recordings enter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dp_accel_ros.bundle import Bundle, StoreArrays, sha256_of
from dp_accel_ros.data.episodes import Episodes, EpisodeWriter, complete_episodes, seeds_of
from dp_accel_ros.errors import ConfigError, DataError
from dp_accel_ros.evaluate.method_settings import method_config, settings_line
from dp_accel_ros.evaluate.rollout import Predict
from dp_accel_ros.evaluate.rollout.file import batch_prediction
from dp_accel_ros.evaluate.self_index import batches_of_successes
from dp_accel_ros.predict.assemble import load_policy, make_method
from dp_accel_ros.sim.base import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSuccesses:
    """How many successes, and how the policy acts in them."""

    n_episodes: int = 200
    """Successes wanted; with 0 the bundle gets no store."""

    first_seed: int = 200_000
    """Beyond the seeds that evaluations begin with."""

    n_together: int = 20
    method: str = "ddim"

    def __post_init__(self) -> None:
        # A threshold for ALT is found from what one episode says of another.
        if self.n_episodes < 0 or self.n_episodes == 1:
            raise ConfigError(f"`n_episodes` must be 0 or at least 2, got {self.n_episodes}")


@dataclass(frozen=True, slots=True)
class SuccessFile:
    """The successes of one policy on disk; those of another policy are refused."""

    path: Path
    weights: Path
    """Of the denoiser whose successes these are."""

    config: OwnSuccesses

    @property
    def facts(self) -> dict[str, Any]:
        """What the episodes depend on."""
        return {
            "denoiser_sha256": sha256_of(self.weights),
            "first_seed": self.config.first_seed,
            "method": self.config.method,
            "settings": settings_line(method_config(self.config.method)),
        }

    @property
    def complete(self) -> bool:
        """Whether there are as many successes as are wanted, of this very policy."""
        wanted, found = self.config.n_episodes, complete_episodes(self.path)
        return 0 < wanted <= found and self._opened().n_episodes == found

    def collect(self, bundle: Bundle, new_task: Callable[[], Task]) -> Iterator[int]:
        """Run the policy of a bundle from seed to seed, yielding those that succeeded.

        Raises:
            DataError: The file holds the successes of another policy, or this one has none.
        """
        config, writer = self.config, EpisodeWriter(self.path, self.facts)
        policy = load_policy(bundle)
        method = make_method(config.method, policy, method_config(config.method))
        tasks = [new_task() for _ in range(config.n_together)]

        def predict(seeds: Sequence[int]) -> Predict:
            return batch_prediction(policy, method, np.random.default_rng(list(seeds)))

        first = config.first_seed if writer.last_seed is None else writer.last_seed + 1
        for found in batches_of_successes(policy, predict, tasks, first):
            for seed in sorted(found)[: config.n_episodes - writer.n_episodes]:
                rows = found[seed]
                episode = {"action": rows.actions, "key": rows.keys, "alt_key": rows.alt_keys}
                writer.append({name: np.stack(values) for name, values in episode.items()}, seed)
                yield seed
            if writer.n_episodes >= config.n_episodes:
                break
        for task in tasks:
            task.close()

    def store(self) -> StoreArrays:
        """Return the successes as a retrieval store."""
        episodes = self._opened()
        return StoreArrays(
            actions=episodes.rows("action"),
            episode_ends=episodes.ends,
            keys=episodes.rows("key"),
            alt_keys=episodes.rows("alt_key"),
        )

    @property
    def provenance(self) -> dict[str, Any]:
        """What a manifest says of where its store is from."""
        seeds = seeds_of(self.path)
        return {
            "from": "successful rollouts of the policy itself; no demonstrations",
            **self.facts,
            "tried": int(seeds[-1]) - self.config.first_seed + 1,
        }

    def _opened(self) -> Episodes:
        episodes = Episodes.open(self.path)
        if dict(episodes.attributes) != self.facts:
            raise DataError(
                f"{self.path}: expected successes of the policy {self.facts},"
                f" got those of {dict(episodes.attributes)}; remove it to collect anew"
            )
        return episodes
