# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The second pass: how long a chunk takes, all rows in turns, so that noise hits all alike.

Every row sees what the robot saw in real episodes, in their order, and its own chunk before: what
is retrieved and how many drafts hold, and with them the time, depend on both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.bundle import Bundle
from dp_accel_ros.errors import BackendError
from dp_accel_ros.evaluate.bench.entrants import Entrant
from dp_accel_ros.evaluate.latency.line_up import (
    BASE,
    EAGER,
    RUNTIMES,
    backend_name,
    eager_policy,
)
from dp_accel_ros.evaluate.latency.timing import Contender, Timing, measure
from dp_accel_ros.observation import Observation
from dp_accel_ros.predict.assemble import load_policy, make_method
from dp_accel_ros.predict.stages import Clock

EAGER_ROW, ORT_ROW = "eager", "onnxruntime"
"""Keys of the base sampler in PyTorch's eager mode, and on ONNX Runtime where the rows are not.

They are no rows: they only give a ratio.
"""


@dataclass(frozen=True, slots=True)
class LatencyPass:
    """Who is timed, and what a reader must know of it."""

    contenders: tuple[Contender, ...]
    needs: Mapping[str, str]
    """Row name to the hash of what it depends on in the bundle."""

    notes: tuple[str, ...]

    @classmethod
    def of(
        cls, timed: Sequence[Entrant], base: Entrant, bundle: Bundle, backend: BackendConfig
    ) -> LatencyPass:
        """Return the pass of some rows; `base` is among them, in float32."""
        own, label = backend_name(backend), base.row.label
        found = [Contender(e.row.name, own, e, e.method) for e in timed]
        needs, notes = {entrant.row.name: entrant.needs for entrant in timed}, []
        if backend.runtime != "onnx":
            plain = load_policy(bundle, replace(backend, runtime="onnx", precision="float32"))
            method = make_method(base.row.method, plain, base.config)
            found.insert(0, Contender(ORT_ROW, BASE, plain, method))
            notes = [f"{own}: {RUNTIMES[own]}; {BASE}: {label} on ONNX Runtime, in float32"]
        try:
            policy = eager_policy(bundle, backend)
        except (ImportError, BackendError) as error:
            return cls(tuple(found), needs, (*notes, f"{EAGER} is left out: {error}"))
        method = make_method(base.row.method, policy, base.config)
        what = f"{label} with its denoiser in PyTorch's eager mode"
        eager = Contender(EAGER_ROW, EAGER, policy, method)
        return cls((eager, *found), needs, (*notes, f"{EAGER}: {what}"))

    def measured(
        self,
        observations: Sequence[Observation],
        clock: Clock,
        rounds: int,
        on_round: Callable[[int], None] = lambda _: None,
    ) -> dict[str, Any]:
        """Return the timings by row name, ready for JSON."""
        timings = measure(self.contenders, observations, clock, rounds=rounds, on_round=on_round)
        return {timing.label: self._timing(timing) for timing in timings}

    def _timing(self, timing: Timing) -> dict[str, Any]:
        return {
            "bundle_parts": self.needs.get(timing.label),
            "backend": timing.backend,
            "nfe": timing.nfe,
            **timing.total_ms.as_dict("ms"),
            "stage_medians_ms": {k: round(v, 4) for k, v in timing.stages_ms.items()},
        }


def lacks(document: Mapping[str, Any] | None, wanted: Sequence[Entrant]) -> bool:
    """Say whether a latency pass has not all of these rows as the bundle has them now."""
    timings = {} if document is None else document["timings"]
    return any(
        timings.get(entrant.row.name, {}).get("bundle_parts") != entrant.needs
        for entrant in wanted
    )
