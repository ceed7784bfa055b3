# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A denoising network that is one ONNX file, or two: what runs once a condition, and the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.onnx_session import OnnxSession, Port
from dp_accel_ros.predict.networks.token_memory import TokenMemory
from dp_accel_ros.predict.schedule import Floats


class OnnxNetwork:
    """Inputs `x`, `t`, `cond`; output `eps`."""

    def __init__(
        self,
        path: Path,
        *,
        horizon: int,
        n_joints: int,
        n_obs_steps: int,
        feature_dim: int,
        backend: BackendConfig,
    ) -> None:
        chunk = Port("float32", (horizon, n_joints))
        inputs = {"x": chunk, **_conditioning(n_obs_steps, feature_dim)}
        self._session = OnnxSession(path, inputs, {"eps": chunk}, backend)

    def __call__(self, x: Floats, t: Floats, cond: Floats) -> Floats:
        """Return the prediction, (B, T, Da), for x, (B, T, Da), t, (B,), and cond, (B, To, C)."""
        return self._session.run({"x": x, "t": t, "cond": cond})


class ConditionedOnnxNetwork:
    """A file with inputs `x`, `memory` and output `eps` behind one from `t`, `cond` to `memory`.

    Times and conditions that were met before cost nothing again; results are as if they did.
    """

    def __init__(
        self,
        path: Path,
        conditioner: Path,
        *,
        horizon: int,
        n_joints: int,
        n_obs_steps: int,
        feature_dim: int,
        memory_dim: int,
        backend: BackendConfig,
    ) -> None:
        chunk, memory = Port("float32", (horizon, n_joints)), (1 + n_obs_steps, memory_dim)
        inputs = _conditioning(n_obs_steps, feature_dim)
        outputs = {"memory": Port("float32", memory)}
        self._conditioner = OnnxSession(conditioner, inputs, outputs, backend)
        self._decoder = OnnxSession(path, {"x": chunk, **outputs}, {"eps": chunk}, backend)
        # One row at a time: in larger products the last bits depend on the rows beside it.
        self._no_time = np.zeros(1, np.float32)
        self._no_condition = np.zeros((1, n_obs_steps, feature_dim), np.float32)
        self._times = TokenMemory(self._time_token, np.concatenate, n_kept=2048)
        self._conditions = TokenMemory(self._condition_tokens, np.concatenate, n_kept=256)

    def __call__(self, x: Floats, t: Floats, cond: Floats) -> Floats:
        """Return the prediction, (B, T, Da), for x, (B, T, Da), t, (B,), and cond, (B, To, C)."""
        tokens = [self._times.of(t), self._conditions.of(cond)]
        return self._decoder.run({"x": x, "memory": np.concatenate(tokens, axis=1)})

    def _time_token(self, time: Floats) -> Floats:
        """Return the token, (1, 1, M), of a time, (1,)."""
        return self._conditioner.run({"t": time, "cond": self._no_condition})[:, :1]

    def _condition_tokens(self, condition: Floats) -> Floats:
        """Return the tokens, (1, To, M), of a condition, (1, To, C)."""
        return self._conditioner.run({"t": self._no_time, "cond": condition})[:, 1:]


def _conditioning(n_obs_steps: int, feature_dim: int) -> dict[str, Port]:
    return {"t": Port("float32", ()), "cond": Port("float32", (n_obs_steps, feature_dim))}
