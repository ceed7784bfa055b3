# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A denoising network that is an ONNX file."""

from __future__ import annotations

from pathlib import Path

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.onnx_session import OnnxSession, Port
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
        inputs = {
            "x": chunk,
            "t": Port("float32", ()),
            "cond": Port("float32", (n_obs_steps, feature_dim)),
        }
        self._session = OnnxSession(path, inputs, {"eps": chunk}, backend)

    def __call__(self, x: Floats, t: Floats, cond: Floats) -> Floats:
        """Return the prediction, (B, T, Da), for x, (B, T, Da), t, (B,), and cond, (B, To, C)."""
        return self._session.run({"x": x, "t": t, "cond": cond})
