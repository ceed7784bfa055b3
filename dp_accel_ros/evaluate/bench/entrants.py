# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Rows that a bundle can run, ready to run; and the others, with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dp_accel_ros.bundle import Bundle
from dp_accel_ros.errors import DpAccelError
from dp_accel_ros.evaluate.bench.needs import fingerprint, megabytes, needed_files
from dp_accel_ros.evaluate.bench.row import Row
from dp_accel_ros.evaluate.method_settings import method_config, settings_line
from dp_accel_ros.evaluate.rollout import Predict
from dp_accel_ros.evaluate.rollout.file import batch_prediction
from dp_accel_ros.evaluate.rollout.scheduled import scheduled_prediction
from dp_accel_ros.observation import Observation
from dp_accel_ros.predict.assemble import make_method
from dp_accel_ros.predict.methods import Method, MethodConfig
from dp_accel_ros.predict.policy import Policy, Prediction
from dp_accel_ros.predict.speculation.scheduling.ppo_scheduler import PpoScheduler, load_scheduler
from dp_accel_ros.predict.stages import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """A row with all that it takes to run it."""

    row: Row
    policy: Policy
    method: Method
    scheduler: PpoScheduler | None
    config: MethodConfig
    needs: str
    """Hash of what the results depend on in the bundle."""

    megabytes: float
    """Size of the networks and arrays that it needs."""

    def prediction(self, rng: np.random.Generator) -> Predict:
        """Return the row and its randomness as one function."""
        if self.scheduler is not None:
            return scheduled_prediction(self.policy, self.scheduler, rng)
        return batch_prediction(self.policy, self.method, rng)

    def predict(
        self,
        observation: Observation,
        method: Method,
        rng: np.random.Generator,
        *,
        clock: Clock | None = None,
        previous: Prediction | None = None,
    ) -> Prediction:
        """Return the chunk for one observation, as a `Policy` does; a plan is chosen first."""
        if self.scheduler is None:
            return self.policy.predict(observation, method, rng, clock=clock, previous=previous)
        return self.prediction(rng)([observation], [previous])[0]

    @property
    def facts(self) -> dict[str, Any]:
        """What the results of its episodes depend on, ready for JSON."""
        return {
            "row": self.row.name,
            "task": self.policy.manifest.task,
            "method": self.row.method,
            "settings": settings_line(self.config),
            "learned_plan": self.row.learned_plan,
            "precision": self.policy.precision,
            "refuse_ood": self.row.refuse_ood,
            "bundle_parts": self.needs,
        }


@dataclass(frozen=True, slots=True)
class Absent:
    """A row that cannot be run, and why."""

    row: Row
    reason: str


def entrants(
    rows: Iterable[Row], bundle: Bundle, policies: Mapping[str | None, Policy]
) -> tuple[list[Entrant], list[Absent]]:
    """Return the rows that can run and those that cannot; `policies` has one for each precision."""
    found: list[Entrant] = []
    absent: list[Absent] = []
    for row in rows:
        try:
            found.append(_entrant(row, bundle, policies[row.precision]))
        except DpAccelError as error:
            absent.append(Absent(row, str(error)))
    return found, absent


def _entrant(row: Row, bundle: Bundle, policy: Policy) -> Entrant:
    config = method_config(row.method, row.settings)
    scheduler = None
    if row.learned_plan:
        scheduler = load_scheduler(bundle)
        config = scheduler.base
    manifest, scheduled = bundle.manifest, scheduler is not None
    parts = (manifest, row.method, config, policy.precision)
    return Entrant(
        row=row,
        policy=policy,
        method=make_method(row.method, policy, config),
        scheduler=scheduler,
        config=config,
        needs=fingerprint(*parts, scheduled=scheduled),
        megabytes=megabytes(bundle, needed_files(*parts, scheduled=scheduled)),
    )
