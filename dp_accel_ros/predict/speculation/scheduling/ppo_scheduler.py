# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The learned scheduler of a bundle, ready to choose plans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.bundle import Bundle
from dp_accel_ros.errors import BundleError, ConfigError
from dp_accel_ros.manifest.scheduler import Scheduler
from dp_accel_ros.predict.methods.tsdp import TsdpConfig
from dp_accel_ros.predict.speculation.plan import DraftPlan
from dp_accel_ros.predict.speculation.scheduling.actor import Actor
from dp_accel_ros.predict.speculation.scheduling.choices import output_names, plan_from
from dp_accel_ros.predict.speculation.scheduling.view import LastChunk, SchedulerView

TRAINED_UNDER = ("accept", "drafter", "bonus", "guard", "num_inference_steps")
"""Parameters of TS-DP that change what a plan does; a manifest has them with the actor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PpoScheduler:
    """Chooses the plan of the next chunk; it remembers nothing."""

    view: SchedulerView
    actor: Actor
    base: TsdpConfig = field(default_factory=TsdpConfig)
    """What the actor was trained under; all but the plan stays as it is here."""

    def plan(
        self,
        joints: NDArray[np.floating],
        now_ns: int,
        began_ns: int,
        last: LastChunk | None,
    ) -> DraftPlan:
        """Return the plan for the chunk that is made from now on; see `SchedulerView.vector`."""
        return self.chosen(self.view.vector(joints, now_ns, began_ns, last))

    def chosen(self, seen: NDArray[np.float32]) -> DraftPlan:
        """Return the plan that the actor chooses for what is seen, (O,)."""
        return plan_from(self.actor(seen[None])[0], self.base.accept)


def planned(base: TsdpConfig, plan: DraftPlan) -> TsdpConfig:
    """Return the parameters of TS-DP with a plan in place of its own draft lengths."""
    return replace(base, plan=str(plan), lengths="fixed")


def settings_of(base: TsdpConfig) -> dict[str, Any]:
    """Return the parameters that an actor is trained under, by name."""
    return {name: getattr(base, name) for name in TRAINED_UNDER}


def settings_under(base: TsdpConfig, plan: DraftPlan) -> str:
    """Return `planned` as the `name=value` settings of a decision."""
    words = {name: str(value).lower() for name, value in settings_of(base).items()}
    named = {**words, "lengths": "fixed", "plan": str(plan)}
    return " ".join(f"{name}={value}" for name, value in named.items())


def load_scheduler(bundle: Bundle, backend: BackendConfig | None = None) -> PpoScheduler:
    """Return the scheduler in a bundle.

    Raises:
        BundleError: The bundle has none, or one that sees or chooses something else.
    """
    from dp_accel_ros.predict.speculation.scheduling.onnx_actor import OnnxActor

    facts = bundle.manifest.scheduler
    if facts is None:
        raise BundleError(
            f"{bundle.path}: expected a `scheduler` section for `scheduler: ppo`, found none;"
            " `dp-accel train-scheduler` makes one"
        )
    base = trained_under(facts.settings)
    view = SchedulerView.of(bundle.manifest, facts.episode_s)
    _verify_layout(bundle, facts, view, base.accept)
    actor = OnnxActor(
        bundle.file(facts.file), view.size, len(facts.outputs), backend or BackendConfig()
    )
    return PpoScheduler(view=view, actor=actor, base=base)


def trained_under(settings: Mapping[str, Any]) -> TsdpConfig:
    """Return the parameters of TS-DP that a manifest gives.

    Raises:
        BundleError: One of them does not exist or cannot have this value.
    """
    try:
        return TsdpConfig(**settings)
    except (TypeError, ConfigError) as error:
        raise BundleError(f"the manifest's `scheduler.settings`: {error}") from error


def _verify_layout(bundle: Bundle, facts: Scheduler, view: SchedulerView, accept: str) -> None:
    # the order of a mapping counts here: it is the order of the numbers
    pairs = {
        "inputs": (list(view.inputs.items()), list(facts.inputs.items())),
        "outputs": (list(output_names(accept)), list(facts.outputs)),
    }
    for name, (wanted, got) in pairs.items():
        if wanted != got:
            raise BundleError(
                f"{bundle.path}: `scheduler.{name}` must be {wanted} in this release, got {got};"
                " train the scheduler anew"
            )
