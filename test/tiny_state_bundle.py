# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The tiny bundle without cameras: its encoders take a measured state in the place of colours.

encoder      features = [(state - MEAN) / DEVIATION, joints]
alt encoder  features = [state, joints] @ weights, scaled to norm 1
denoiser     that of the tiny bundle
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper
from tiny_bundle import (
    ALT_DIM,
    STATE_DIM,
    _constant,
    _facts,
    _float,
    _model,
    _raw,
    denoiser_model,
    frame_joints,
)

from dp_accel_ros.bundle import Bundle, StoreArrays, write_bundle
from dp_accel_ros.observation import Observation

STATE = ("block_x", "block_y", "block_cos", "block_sin")
MEAN = np.array([0.4, -0.1, 0.0, 0.5], np.float32)
DEVIATION = np.array([0.1, 0.2, 0.7, 0.5], np.float32)


def make_tiny_state_bundle(
    path: Path,
    n_joints: int = 8,
    lengths: Sequence[int] = (30, 40, 20),
    *,
    with_store: bool = True,
    names: Sequence[str] = STATE,
    **changes: Any,
) -> Bundle:
    """Write the bundle to a folder and return it as loading finds it; `changes` go to the manifest."""
    facts = _facts(n_joints, (), 96, 16, 2, 8, 0.04) | {"state": list(names)} | changes
    path.mkdir(parents=True, exist_ok=True)
    networks = {
        "encoder.onnx": state_encoder_model(n_joints),
        "alt_encoder.onnx": state_alt_encoder_model(n_joints),
        "denoiser.onnx": denoiser_model(n_joints, facts["horizon"], facts["n_obs_steps"]),
    }
    for name, model in networks.items():
        onnx.save(model, path / name)
    arrays = state_store(n_joints, facts["n_obs_steps"], lengths) if with_store else None
    if arrays is None:
        del facts["retrieval"]
    return write_bundle(path, facts, arrays, {name: path / name for name in networks})


def frame_state(row: int) -> np.ndarray:
    """Return the raw state at a row, (STATE_DIM,)."""
    phase = np.arange(STATE_DIM)
    return (MEAN + DEVIATION * np.cos(0.07 * row + phase)).astype(np.float32)


def state_observation_at(bundle: Bundle, row: int, stamp_ns: int = 0) -> Observation:
    """Return what was measured at a row of the store of the default lengths."""
    manifest, ends = bundle.manifest, np.array([30, 70, 90])
    start = int(np.concatenate([[0], ends])[np.searchsorted(ends, row, side="right")])
    rows = np.maximum(np.arange(row - manifest.n_obs_steps + 1, row + 1), start)
    joints = np.stack([frame_joints(r, len(manifest.joints)) for r in rows])
    state = np.stack([frame_state(r) for r in rows])
    return Observation(stamp_ns, {}, _raw(joints, manifest), state)


def state_alt_weights(n_joints: int) -> np.ndarray:
    """Return the weights of the ALT encoder, (STATE_DIM + Dj, ALT_DIM)."""
    shape = (STATE_DIM + n_joints, ALT_DIM)
    return np.random.default_rng(4).normal(size=shape).astype(np.float32)


def state_encoder_model(n_joints: int) -> onnx.ModelProto:
    """Return the policy encoder."""
    constants = [_constant("mean", MEAN), _constant("deviation", DEVIATION)]
    nodes = [
        helper.make_node("Sub", ["state", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "deviation"], ["standard"]),
        helper.make_node("Concat", ["standard", "joints"], ["features"], axis=1),
    ]
    return _model(nodes, _inputs(n_joints), [_features(STATE_DIM + n_joints)], constants)


def blind_alt_encoder_model(n_joints: int) -> onnx.ModelProto:
    """Return an ALT encoder that takes no state."""
    nodes = [
        helper.make_node("MatMul", ["joints", "weights"], ["raw"]),
        helper.make_node("LpNormalization", ["raw"], ["features"], axis=1, p=2),
    ]
    constants = [_constant("weights", state_alt_weights(n_joints)[STATE_DIM:])]
    return _model(nodes, _inputs(n_joints)[:1], [_features(ALT_DIM)], constants)


def state_alt_encoder_model(n_joints: int) -> onnx.ModelProto:
    """Return the ALT encoder."""
    nodes = [
        helper.make_node("Concat", ["state", "joints"], ["all"], axis=1),
        helper.make_node("MatMul", ["all", "weights"], ["raw"]),
        helper.make_node("LpNormalization", ["raw"], ["features"], axis=1, p=2),
    ]
    constants = [_constant("weights", state_alt_weights(n_joints))]
    return _model(nodes, _inputs(n_joints), [_features(ALT_DIM)], constants)


def state_store(n_joints: int, n_obs_steps: int, lengths: Sequence[int]) -> StoreArrays:
    """Return the store whose keys are the encodings of its rows."""
    n_rows, ends = sum(lengths), np.cumsum(lengths).astype(np.int64)
    joints = np.stack([frame_joints(row, n_joints) for row in range(n_rows)])
    state = np.stack([frame_state(row) for row in range(n_rows)])
    features = np.concatenate([(state - MEAN) / DEVIATION, joints], axis=1)
    starts = np.repeat(np.concatenate([[0], ends[:-1]]), lengths)
    past = np.arange(n_rows)[:, None] + np.arange(1 - n_obs_steps, 1)
    alt = np.concatenate([state, joints], axis=1) @ state_alt_weights(n_joints)
    scale = np.array([2.25] * (n_joints - 1) + [0.018], np.float32)
    centre = np.array([0.0] * (n_joints - 1) + [0.018], np.float32)
    return StoreArrays(
        actions=joints * scale + centre,
        episode_ends=ends,
        keys=features[np.maximum(past, starts[:, None])].reshape(n_rows, -1),
        alt_keys=alt / np.linalg.norm(alt, axis=1, keepdims=True),
    )


def _inputs(n_joints: int) -> list:
    return [_float("joints", ["B", n_joints]), _float("state", ["B", STATE_DIM])]


def _features(size: int):
    return _float("features", ["B", size])
