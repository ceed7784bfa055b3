# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What the last predictions were like, for diagnostics."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Lock

import numpy as np

from dp_accel_ros.nodes.inference_loop import Idle, Inference

LENGTH = 500
"""Predictions that percentiles are taken over: some minutes."""


@dataclass(frozen=True, slots=True)
class InferenceFacts:
    """What is known of the predictions so far."""

    chunks: int
    rate_hz: float
    """Chunks per second since the last report."""

    total_p50_ms: float
    total_p99_ms: float
    age_p99_ms: float
    """From the observation's stamp to the published chunk."""

    ood_share: float
    deadline_misses: int
    """Predictions that took longer than the time until the next one was due."""

    errors: int
    last_error: str
    idle: Idle | None
    """Why there was no prediction when one was last asked for; None when there was."""


class InferenceRecord:
    """Collects facts. The inference thread adds, any thread may `report`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._total_ms: deque[float] = deque(maxlen=LENGTH)
        self._age_ms: deque[float] = deque(maxlen=LENGTH)
        self._ood: deque[bool] = deque(maxlen=LENGTH)
        self._chunks = self._misses = self._errors = self._reported_chunks = 0
        self._reported_s: float | None = None
        self._last_error = ""
        self._idle: Idle | None = None

    def add(self, inference: Inference, age_ms: float, deadline_ms: float) -> None:
        """Note a prediction that was published when its observation was `age_ms` old."""
        cost = inference.prediction.cost
        total_ms = 1e3 * cost.stage_s.get("total", 0.0)
        with self._lock:
            self._chunks += 1
            self._misses += total_ms > deadline_ms
            self._total_ms.append(total_ms)
            self._age_ms.append(age_ms)
            self._ood.append(cost.ood)
            self._idle = None

    def add_idle(self, idle: Idle) -> None:
        """Note that there was nothing to predict."""
        with self._lock:
            self._idle = idle

    def add_error(self, text: str) -> None:
        """Note a prediction that failed."""
        with self._lock:
            self._errors += 1
            self._last_error = text

    def report(self, now_s: float) -> InferenceFacts:
        """Return the facts, and count the rate anew from `now_s` on."""
        with self._lock:
            elapsed_s = now_s - (now_s if self._reported_s is None else self._reported_s)
            rate_hz = (self._chunks - self._reported_chunks) / elapsed_s if elapsed_s > 0 else 0.0
            self._reported_s, self._reported_chunks = now_s, self._chunks
            return InferenceFacts(
                chunks=self._chunks,
                rate_hz=rate_hz,
                total_p50_ms=_percentile(self._total_ms, 50),
                total_p99_ms=_percentile(self._total_ms, 99),
                age_p99_ms=_percentile(self._age_ms, 99),
                ood_share=float(np.mean(self._ood)) if self._ood else 0.0,
                deadline_misses=self._misses,
                errors=self._errors,
                last_error=self._last_error,
                idle=self._idle,
            )


def _percentile(values: deque[float], percentile: float) -> float:
    return float(np.percentile(values, percentile)) if values else 0.0
