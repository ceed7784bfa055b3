# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""An actor in an ONNX file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.onnx_session import OnnxSession, Port

OBSERVATION, ACTION = "observation", "action"
"""Names of the input and the output in the file."""


class OnnxActor:
    """Runs in microseconds on one thread; safe to share between threads."""

    def __init__(self, path: Path, n_inputs: int, n_outputs: int, backend: BackendConfig) -> None:
        self._session = OnnxSession(
            path,
            {OBSERVATION: Port("float32", (n_inputs,))},
            {ACTION: Port("float32", (n_outputs,))},
            # a second thread, or a GPU, would take longer to be told than this takes to compute
            replace(backend, threads=1, provider="cpu"),
        )

    def __call__(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the choice for each row, (B, A), given what is seen, (B, O)."""
        return self._session.run({OBSERVATION: observation})
