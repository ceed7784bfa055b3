# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What speculation did for one chunk, as values of `policy/inference`, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from dp_accel_ros.chunk import ActionChunk
from dp_accel_ros.errors import DataError
from dp_accel_ros.nodes.diagnostics import whole
from dp_accel_ros.predict.policy import Prediction
from dp_accel_ros.predict.speculation.plan import STAGES, stage_of
from dp_accel_ros.predict.speculation.scheduling.view import LastChunk
from dp_accel_ros.speculation_facts import SpeculationFacts

DRAFTER, LENGTHS = "drafter", "draft_lengths"
STEPS, ROUNDS, ROWS, DRAFTS = "steps", "rounds", "rows", "drafts"
ACCEPTANCE, BY_STAGE = "acceptance", "acceptance_by_stage"
BIAS, FEATURES = "bias_budget", "features"
NAMES = (DRAFTER, LENGTHS, STEPS, ROUNDS, ROWS, DRAFTS, ACCEPTANCE, BY_STAGE, BIAS, FEATURES)

UNKNOWN = "-"
"""Acceptance of a stage in which no draft was tested."""


def speculation_values(prediction: Prediction, n_levels: int) -> dict[str, object]:
    """Return the values; all are empty when the method does not speculate.

    Args:
        prediction: A chunk, what it cost and the condition that it was made from.
        n_levels: Noise levels of the bundle's schedule.
    """
    facts, last = prediction.cost.speculation, LastChunk.of(prediction, n_levels)
    if facts is None or last is None:
        return dict.fromkeys(NAMES, "")
    return {
        DRAFTER: facts.drafter,
        LENGTHS: _longest(facts, n_levels),
        STEPS: len(facts.levels),
        ROUNDS: facts.rounds,
        ROWS: facts.rows,
        DRAFTS: facts.drafts,
        ACCEPTANCE: facts.acceptance if facts.tested.any() else "",
        BY_STAGE: _joined(last.acceptance),
        BIAS: facts.bias_budget,
        # a scheduler sees through the policy's encoder, which it has not itself
        FEATURES: _joined(last.features.tolist()),
    }


def last_chunk_from(values: Mapping[str, str], chunk: ActionChunk) -> LastChunk | None:
    """Return what a chunk's values tell, or None when its method did not speculate.

    Raises:
        DataError: A value is not what the policy writes.
    """
    if not values.get(ROUNDS):
        return None
    n_steps = whole(values, STEPS)
    if n_steps < 1:
        raise DataError(f"`{STEPS}`: expected at least 1, got {n_steps}")
    return LastChunk(
        chunk,
        np.array(_numbers(values, FEATURES), np.float32),
        tuple(_numbers(values, BY_STAGE)),
        whole(values, ROUNDS) / n_steps,
        whole(values, ROWS) / n_steps,
    )


def _longest(facts: SpeculationFacts, n_levels: int) -> str:
    """Return the longest draft that was wanted in each stage."""
    stages = stage_of(facts.levels, n_levels)
    longest = (facts.lengths[stages == stage].max(initial=0) for stage in range(STAGES))
    return " ".join(str(length) for length in longest)


def _joined(numbers: Iterable[float]) -> str:
    return " ".join(UNKNOWN if np.isnan(number) else f"{number:.6g}" for number in numbers)


def _numbers(values: Mapping[str, str], key: str) -> list[float]:
    words = values.get(key, "").split()
    try:
        return [float("nan") if word == UNKNOWN else float(word) for word in words]
    except ValueError as error:
        raise DataError(f"`{key}`: expected numbers, got {values[key]!r}") from error
