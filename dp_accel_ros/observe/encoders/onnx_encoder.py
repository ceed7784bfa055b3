# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""An encoder that is an ONNX file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.manifest.parts import Camera
from dp_accel_ros.onnx_session import OnnxSession, Port


class OnnxEncoder:
    """Inputs: one per camera, named as it, `joints`, and `state` if there is one; output: `features`."""

    def __init__(
        self,
        path: Path,
        *,
        cameras: Sequence[Camera],
        n_joints: int,
        n_state: int = 0,
        feature_dim: int,
        backend: BackendConfig,
    ) -> None:
        inputs = {cam.name: Port("uint8", (cam.height, cam.width, 3)) for cam in cameras}
        inputs["joints"] = Port("float32", (n_joints,))
        if n_state:
            inputs["state"] = Port("float32", (n_state,))
        outputs = {"features": Port("float32", (feature_dim,))}
        self._session = OnnxSession(path, inputs, outputs, backend)
        self._feature_dim = feature_dim

    @property
    def feature_dim(self) -> int:
        """Features per frame (C)."""
        return self._feature_dim

    def encode(
        self,
        images: Mapping[str, NDArray[np.uint8]],
        joints: NDArray[np.float32],
        state: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Return features, (B, C), of frames, normalised joints and raw state; see `Encoder`."""
        measured = {"joints": joints} if state is None else {"joints": joints, "state": state}
        return self._session.run({**images, **measured})
