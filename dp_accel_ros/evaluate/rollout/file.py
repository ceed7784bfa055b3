# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Results of a lockstep evaluation on disk, so that a run that was cut off goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from dp_accel_ros.errors import ConfigError, DataError
from dp_accel_ros.evaluate.rollout.lockstep import (
    EpisodeResult,
    Predict,
    RolloutConfig,
    batches,
    run_episodes,
)
from dp_accel_ros.evaluate.rollout.scheduled import scheduled_prediction
from dp_accel_ros.evaluate.rollout.speculation_record import SpeculationRecord
from dp_accel_ros.evaluate.statistics import SuccessRate, quantiles
from dp_accel_ros.predict.methods import Method
from dp_accel_ros.predict.policy import Policy
from dp_accel_ros.predict.speculation.scheduling.ppo_scheduler import PpoScheduler
from dp_accel_ros.sim.base import Task


class RolloutFile:
    """One JSON file: what was evaluated, and every episode so far.

    Args:
        path: The file, or None to keep results in memory only.
        facts: What the results depend on; a file with other facts is not continued.

    Raises:
        ConfigError: The file holds the results of something else.
        DataError: The file is not one of ours.
    """

    def __init__(self, path: Path | None, facts: Mapping[str, Any]) -> None:
        self.path = path
        self.facts = json.loads(json.dumps(facts))
        self.results: list[EpisodeResult] = []
        if path is not None and path.exists():
            self._read(path)

    def append(self, results: Sequence[EpisodeResult]) -> None:
        """Add episodes, in the place of those of the same seeds.

        The file is replaced in one step, so it is never half written.
        """
        seeds = {result.seed for result in results}
        self.results = [*(old for old in self.results if old.seed not in seeds), *results]
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        partial.write_text(self._text(), encoding="utf-8")
        os.replace(partial, self.path)

    def _text(self) -> str:
        """Return the document, one line an episode: some have counts of every diffusion step."""
        head = json.dumps({**self.facts, **report(self.results)}, indent=1).removesuffix("\n}")
        episodes = ",\n  ".join(json.dumps(asdict(result)) for result in self.results)
        return f'{head},\n "episodes": [\n  {episodes}\n ]\n}}\n'

    def _read(self, path: Path) -> None:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            episodes = [_result(episode) for episode in document["episodes"]]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}: expected the results of a rollout: {error!r}") from error
        check_facts(path, document, self.facts)
        self.results = episodes


def check_facts(path: Path, document: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Raise ConfigError where a document at `path` holds the results of something else."""
    for name, wanted in facts.items():
        if document.get(name) != wanted:
            raise ConfigError(
                f"{path} holds results with {name} {document.get(name)!r}, not {wanted!r};"
                " choose another place, or delete it"
            )


def evaluate(
    policy: Policy,
    method: Method,
    tasks: Sequence[Task],
    seeds: Sequence[int],
    config: RolloutConfig,
    file: RolloutFile,
    on_batch: Callable[[Sequence[EpisodeResult]], None],
    scheduler: PpoScheduler | None = None,
) -> list[EpisodeResult]:
    """Run the episodes that the file lacks, as many at once as there are tasks; return them all.

    Randomness is seeded anew for every batch, so a continued run equals one that was not cut off.
    With a scheduler, TS-DP takes the place of the method and every chunk is planned on its own.
    """
    done = {result.seed for result in file.results}
    for group in batches(seeds, len(tasks)):
        if not done.issuperset(group):
            rng = np.random.default_rng(group)
            predict = batch_prediction(policy, method, rng)
            if scheduler is not None:
                predict = scheduled_prediction(policy, scheduler, rng)
            file.append(run_episodes(tasks, group, predict, config))
        on_batch(file.results)
    return file.results


def batch_prediction(policy: Policy, method: Method, rng: np.random.Generator) -> Predict:
    """Return a policy with its method and randomness as one function."""
    return lambda observations, previous: policy.predict_batch(
        observations, method, rng, previous=previous
    )


def report(results: Sequence[EpisodeResult]) -> dict[str, Any]:
    """Return the numbers of an evaluation, ready for JSON and for a table."""
    rate = SuccessRate.of(result.success for result in results)
    low, high = rate.interval()
    chunks = [nfe for result in results for nfe in result.nfe]
    distances = [d for result in results for d in result.retrieval_distances]
    return {
        "n": rate.episodes,
        "successes": rate.successes,
        "success_rate": round(rate.rate, 4) if results else None,
        "wilson_95": [round(low, 4), round(high, 4)],
        "score_mean": round(float(np.mean([_score(r) for r in results])), 4) if results else None,
        "ticks_of_successes": quantiles([r.ticks for r in results if r.success]).as_dict("ticks"),
        "nfe_mean": round(float(np.mean(chunks)), 2) if chunks else None,
        "chunks": len(chunks),
        "ood_chunks": sum(result.n_ood for result in results),
        "retrieval_distance": quantiles(distances).as_dict("key_units"),
        "speculation": _speculation(results),
    }


def _speculation(results: Sequence[EpisodeResult]) -> dict[str, Any] | None:
    """Return means over all chunks that were speculated for, or None without any."""
    told = [result.speculation for result in results if result.speculation is not None]
    rounds = [number for record in told for number in record.rounds]
    if not rounds:
        return None
    drafts = [number for record in told for number in record.drafts]
    budgets = [number for record in told for number in record.bias_budgets]
    tested = sum(sum(record.tested_at) for record in told)
    accepted = sum(sum(record.accepted) for record in told)
    return {
        "rounds_mean": round(float(np.mean(rounds)), 2),
        "drafts_mean": round(float(np.mean(drafts)), 2),
        "acceptance": round(accepted / tested, 4) if tested else None,
        "bias_budget_mean": round(float(np.mean(budgets)), 4),
        "bias_budget_max": round(float(np.max(budgets)), 4),
    }


def _score(result: EpisodeResult) -> float:
    return float(result.success) if result.score is None else result.score


def _result(episode: Mapping[str, Any]) -> EpisodeResult:
    values = _with_tuples(episode)
    told = values.get("speculation")
    values["speculation"] = None if told is None else SpeculationRecord(**_with_tuples(told))
    return EpisodeResult(**values)


def _with_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what JSON gave with tuples in place of its lists."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
