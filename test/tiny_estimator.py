# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The tiny state bundle with an estimator: state = mean colours of the cameras @ STATE_WEIGHTS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper
from tiny_bundle import STATE_DIM, _constant, _float, _mean_colours, _model, state_weights
from tiny_state_bundle import make_tiny_state_bundle

from dp_accel_ros.bundle import Bundle
from dp_accel_ros.bundle.networks import put_section
from dp_accel_ros.observation import Observation

CAMERAS, SIZE = ("front", "wrist"), 8


def make_tiny_estimator_bundle(path: Path, **changes: Any) -> Bundle:
    """Write the bundle to a folder and return it as loading finds it; `changes` go to the section."""
    bundle = make_tiny_state_bundle(path)
    facts = {
        "cameras": [{"name": name, "width": SIZE, "height": SIZE} for name in CAMERAS],
        "feature_dim": STATE_DIM,
        **changes,
    }
    file = path / "made.onnx"
    onnx.save(estimator_model(len(bundle.manifest.joints)), file)
    return put_section(path, "estimator", facts, {"file": file})


def estimator_model(n_joints: int) -> onnx.ModelProto:
    """Return the estimator."""
    nodes, inputs, constants = _mean_colours(n_joints, CAMERAS, SIZE)
    constants.append(_constant("weights", state_weights(len(CAMERAS))))
    nodes.append(helper.make_node("MatMul", ["colours", "weights"], ["features"]))
    return _model(nodes, inputs, [_float("features", ["B", STATE_DIM])], constants)


def seen_and_measured(joints: np.ndarray, seed: int = 0) -> tuple[Observation, Observation]:
    """Return one instant as images, and as the state that the estimator sees in them."""
    rng = np.random.default_rng(seed)
    colours = rng.integers(0, 256, (len(joints), len(CAMERAS), 3)).astype(np.uint8)
    images = {
        name: np.tile(colours[:, index, None, None, :], (1, SIZE, SIZE, 1))
        for index, name in enumerate(CAMERAS)
    }
    state = colours.reshape(len(joints), -1).astype(np.float32) / 255 @ state_weights(2)
    return Observation(0, images, joints), Observation(0, {}, joints, state)
