# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A whole bundle in a few milliseconds: real ONNX files that compute something that is known.

    encoder      features = [mean colours of the cameras @ STATE_WEIGHTS, joints]
    alt encoder  features = [mean colours, joints] @ ALT_WEIGHTS, scaled to norm 1
    denoiser     eps = (x - alpha_t a) / sigma_t, so every sampler must land on the chunk `a`:
                 the newest joints plus a slow ramp, in normalised units
    edm and consistency lead to the same chunk, see tiny_karras

A demonstration frame is its row number: `frame(bundle, row)` gives the images and joints whose
encodings are the keys at that row of the store.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tiny_karras import karras_facts, karras_models

from dp_accel_ros.bundle import Bundle, StoreArrays, write_bundle
from dp_accel_ros.bundle.parts import replace_parts
from dp_accel_ros.manifest import Manifest
from dp_accel_ros.observation import Observation

STATE_DIM = 4
ALT_DIM = 16
N_LEVELS = 100
N_NOISES, KEPT_STEPS = 2, (10, 80)
RAMP = 0.05
"""How far `a` has moved from the newest joints at its last action, in normalised units."""


def make_tiny_bundle(
    path: Path,
    n_joints: int = 8,
    cameras: Sequence[str] = ("front", "wrist"),
    size: int = 96,
    horizon: int = 16,
    n_obs_steps: int = 2,
    n_action_steps: int = 8,
    lengths: Sequence[int] = (30, 40, 20),
    dt: float = 0.04,
) -> Bundle:
    """Write the tiny bundle to a folder and return it as loading finds it."""
    facts = _facts(n_joints, cameras, size, horizon, n_obs_steps, n_action_steps, dt)
    facts |= karras_facts(STATE_DIM + n_joints)
    path.mkdir(parents=True, exist_ok=True)
    networks = {
        "encoder.onnx": encoder_model(n_joints, cameras, size),
        "alt_encoder.onnx": alt_encoder_model(n_joints, cameras, size),
        "denoiser.onnx": denoiser_model(n_joints, horizon, n_obs_steps),
    }
    ramp = target_chunk(np.zeros(n_joints, np.float32), horizon)
    networks |= karras_models(ramp, n_obs_steps, STATE_DIM + n_joints)
    for name, model in networks.items():
        onnx.save(model, path / name)
    arrays = _store_arrays(n_joints, len(cameras), n_obs_steps, lengths)
    bundle = write_bundle(path, facts, arrays, {name: path / name for name in networks})
    return replace_parts(path, *_knowledge(bundle))


def frame_colours(row: int, n_cameras: int) -> np.ndarray:
    """Return the one colour that each camera sees at a row, (n_cameras, 3) uint8."""
    return np.random.default_rng([7, row]).integers(0, 256, (n_cameras, 3)).astype(np.uint8)


def frame_joints(row: int, n_joints: int) -> np.ndarray:
    """Return the normalised joints at a row, (Dj,)."""
    phase = np.linspace(0.0, 1.0, n_joints)
    return (0.8 * np.sin(0.1 * row + 2 * np.pi * phase)).astype(np.float32)


def observation_at(bundle: Bundle, row: int, stamp_ns: int = 0) -> Observation:
    """Return what the robot saw at a row of the store, windows padded as in training."""
    manifest, ends = bundle.manifest, bundle.store.episode_ends
    start = int(np.concatenate([[0], ends])[np.searchsorted(ends, row, side="right")])
    rows = np.maximum(np.arange(row - manifest.n_obs_steps + 1, row + 1), start)
    colours = np.stack([frame_colours(r, len(manifest.cameras)) for r in rows])
    images = {
        camera.name: np.tile(colours[:, index, None, None, :], (1, camera.height, camera.width, 1))
        for index, camera in enumerate(manifest.cameras)
    }
    joints = np.stack([frame_joints(r, len(manifest.joints)) for r in rows])
    return Observation(stamp_ns, images, _raw(joints, manifest))


def target_chunk(joints: np.ndarray, horizon: int) -> np.ndarray:
    """Return the normalised chunk (Tp, Da) that the denoiser leads to from normalised joints."""
    return joints + RAMP * np.linspace(0.0, 1.0, horizon, dtype=np.float32)[:, None]


def state_weights(n_cameras: int) -> np.ndarray:
    """Return the weights from mean colours to the state estimate, (3 * cameras, STATE_DIM)."""
    return np.random.default_rng(1).normal(size=(3 * n_cameras, STATE_DIM)).astype(np.float32)


def alt_weights(n_joints: int, n_cameras: int) -> np.ndarray:
    """Return the weights of the ALT encoder, (3 * cameras + Dj, ALT_DIM)."""
    shape = (3 * n_cameras + n_joints, ALT_DIM)
    return np.random.default_rng(2).normal(size=shape).astype(np.float32)


def alphas_cumprod() -> np.ndarray:
    """Return the squared-cosine schedule's alpha_bar, (100,)."""
    steps = np.arange(N_LEVELS + 1) / N_LEVELS
    f = np.cos((steps + 0.008) / 1.008 * np.pi / 2) ** 2
    return np.cumprod(1.0 - np.minimum(1.0 - f[1:] / f[:-1], 0.999))


def encoder_model(n_joints: int, cameras: Sequence[str], size: int) -> onnx.ModelProto:
    """Return the policy encoder."""
    nodes, inputs, constants = _mean_colours(n_joints, cameras, size)
    constants.append(_constant("weights", state_weights(len(cameras))))
    nodes.append(helper.make_node("MatMul", ["colours", "weights"], ["state"]))
    nodes.append(helper.make_node("Concat", ["state", "joints"], ["features"], axis=1))
    return _model(nodes, inputs, [_float("features", ["B", STATE_DIM + n_joints])], constants)


def alt_encoder_model(n_joints: int, cameras: Sequence[str], size: int) -> onnx.ModelProto:
    """Return the ALT encoder."""
    nodes, inputs, constants = _mean_colours(n_joints, cameras, size)
    constants.append(_constant("weights", alt_weights(n_joints, len(cameras))))
    nodes.append(helper.make_node("Concat", ["colours", "joints"], ["all"], axis=1))
    nodes.append(helper.make_node("MatMul", ["all", "weights"], ["raw"]))
    nodes.append(helper.make_node("LpNormalization", ["raw"], ["features"], axis=1, p=2))
    return _model(nodes, inputs, [_float("features", ["B", ALT_DIM])], constants)


def denoiser_model(n_joints: int, horizon: int, n_obs_steps: int) -> onnx.ModelProto:
    """Return the exact denoiser of the one chunk that belongs to a condition."""
    feature_dim = STATE_DIM + n_joints
    alpha_bar = alphas_cumprod()
    ramp = target_chunk(np.zeros(n_joints, np.float32), horizon)
    constants = [
        _constant("alphas", np.sqrt(alpha_bar).astype(np.float32).reshape(-1, 1, 1)),
        _constant("sigmas", np.sqrt(1 - alpha_bar).astype(np.float32).reshape(-1, 1, 1)),
        _constant("ramp", ramp[None]),
        _constant("starts", np.array([n_obs_steps - 1, STATE_DIM])),
        _constant("ends", np.array([n_obs_steps, feature_dim])),
        _constant("axes", np.array([1, 2])),
    ]
    nodes = [
        helper.make_node("Cast", ["t"], ["step"], to=TensorProto.INT64),
        helper.make_node("Gather", ["alphas", "step"], ["alpha"], axis=0),
        helper.make_node("Gather", ["sigmas", "step"], ["sigma"], axis=0),
        helper.make_node("Slice", ["cond", "starts", "ends", "axes"], ["now"]),
        helper.make_node("Add", ["now", "ramp"], ["target"]),
        helper.make_node("Mul", ["alpha", "target"], ["signal"]),
        helper.make_node("Sub", ["x", "signal"], ["noise"]),
        helper.make_node("Div", ["noise", "sigma"], ["eps"]),
    ]
    inputs = [
        _float("x", ["B", horizon, n_joints]),
        _float("t", ["B"]),
        _float("cond", ["B", n_obs_steps, feature_dim]),
    ]
    return _model(nodes, inputs, [_float("eps", ["B", horizon, n_joints])], constants)


def _mean_colours(n_joints: int, cameras: Sequence[str], size: int):
    constants = [_constant("pixels", np.array([1, 2])), _constant("full", np.float32(255))]
    nodes = []
    for name in cameras:
        nodes.append(helper.make_node("Cast", [name], [f"{name}_f"], to=TensorProto.FLOAT))
        nodes.append(
            helper.make_node("ReduceMean", [f"{name}_f", "pixels"], [f"{name}_m"], keepdims=0)
        )
    means = [f"{name}_m" for name in cameras]
    nodes.append(helper.make_node("Concat", means, ["sum"], axis=1))
    nodes.append(helper.make_node("Div", ["sum", "full"], ["colours"]))
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.UINT8, ["B", size, size, 3])
        for name in cameras
    ]
    return nodes, [*inputs, _float("joints", ["B", n_joints])], constants


def _constant(name: str, value: np.ndarray | np.float32) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(value), name)


def _float(name: str, shape: list[str | int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _model(nodes: list, inputs: list, outputs: list, constants: list) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def _facts(
    n_joints: int,
    cameras: Sequence[str],
    size: int,
    horizon: int,
    n_obs_steps: int,
    n_action_steps: int,
    dt: float,
) -> dict:
    names = [*(f"joint{i}" for i in range(1, n_joints)), "finger_joint"]
    revolute = {"unit": "rad", "lower": -2.5, "upper": 2.5, "max_velocity": 2.0}
    finger = {"unit": "m", "lower": 0.0, "upper": 0.04, "max_velocity": 0.2}
    joints = [{"name": name, **(finger if name == "finger_joint" else revolute)} for name in names]
    bounds = {
        "minimum": [0.9 * j["lower"] for j in joints],
        "maximum": [0.9 * j["upper"] for j in joints],
    }
    feature_dim = STATE_DIM + n_joints
    return {
        "task": "lift",
        "licence": "Apache-2.0",
        "joints": joints,
        "cameras": [{"name": name, "width": size, "height": size} for name in cameras],
        "horizon": horizon,
        "n_obs_steps": n_obs_steps,
        "n_action_steps": n_action_steps,
        "dt": dt,
        "schedule": {
            "num_train_timesteps": N_LEVELS,
            "beta_schedule": "squaredcos_cap_v2",
            "prediction_type": "epsilon",
            "clip_sample": True,
        },
        "normalization": {"joints": bounds, "actions": copy.deepcopy(bounds)},
        "encoder": {"file": "encoder.onnx", "feature_dim": feature_dim},
        "alt_encoder": {"file": "alt_encoder.onnx", "feature_dim": ALT_DIM},
        "denoiser": {"file": "denoiser.onnx", "feature_dim": feature_dim},
        "retrieval": {
            "actions": "actions.npy",
            "episode_ends": "episode_ends.npy",
            "keys": "keys.npy",
            "alt_keys": "alt_keys.npy",
            "alt_threshold": 0.8,
        },
    }


def _store_arrays(
    n_joints: int, n_cameras: int, n_obs_steps: int, lengths: Sequence[int]
) -> StoreArrays:
    n_rows = sum(lengths)
    joints = np.stack([frame_joints(row, n_joints) for row in range(n_rows)])
    colours = np.stack([frame_colours(row, n_cameras) for row in range(n_rows)])
    colours = colours.reshape(n_rows, -1).astype(np.float32) / 255
    features = np.concatenate([colours @ state_weights(n_cameras), joints], axis=1)
    alt = np.concatenate([colours, joints], axis=1) @ alt_weights(n_joints, n_cameras)
    ends = np.cumsum(lengths).astype(np.int64)
    starts = np.repeat(np.concatenate([[0], ends[:-1]]), lengths)
    past = np.arange(n_rows)[:, None] + np.arange(1 - n_obs_steps, 1)
    keys = features[np.maximum(past, starts[:, None])].reshape(n_rows, -1)
    scale = np.array([2.25] * (n_joints - 1) + [0.018], np.float32)
    centre = np.array([0.0] * (n_joints - 1) + [0.018], np.float32)
    return StoreArrays(
        actions=joints * scale + centre,
        episode_ends=ends,
        keys=keys,
        alt_keys=alt / np.linalg.norm(alt, axis=1, keepdims=True),
    )


def _knowledge(bundle: Bundle) -> tuple[dict, dict]:
    """Return the section `knowledge` and its arrays: every fifth row, from two noises.

    Under this denoiser a DDIM trajectory is the straight line from its noise to the chunk.
    """
    manifest, alpha_bar = bundle.manifest, alphas_cumprod()
    n_joints, feature_dim = len(manifest.joints), manifest.encoder.feature_dim
    conditions = bundle.store.keys[::5]
    ramp = target_chunk(np.zeros(n_joints, np.float32), manifest.horizon)
    chunks = conditions[:, None, -feature_dim:][..., STATE_DIM:] + ramp  # (S, Tp, Da)
    noise = np.random.default_rng(3).normal(size=(N_NOISES, *chunks.shape[1:]))
    eps = (noise[:, None] - alpha_bar[-1] ** 0.5 * chunks) / (1 - alpha_bar[-1]) ** 0.5
    levels = [N_LEVELS - 1 - step for step in KEPT_STEPS]
    states = [alpha_bar[t] ** 0.5 * chunks + (1 - alpha_bar[t]) ** 0.5 * eps for t in levels]
    facts = {
        "solver": "ddim",
        "num_inference_steps": N_LEVELS,
        "steps": list(KEPT_STEPS),
        "key_step": KEPT_STEPS[0],
        "value_step": KEPT_STEPS[1],
        "residuals": [0.05, 0.05],
        "seen": ["state", "joints"],
        "network": manifest.files["denoiser.onnx"],
    }
    arrays = {
        "noise": noise.astype(np.float32),
        "conditions": conditions,
        "states": np.stack(states, axis=2).astype(np.float16),
    }
    return {"knowledge": facts}, {"knowledge": arrays}


def _raw(normalised: np.ndarray, manifest: Manifest) -> np.ndarray:
    low = np.array(manifest.normalization.joints.minimum, np.float32)
    high = np.array(manifest.normalization.joints.maximum, np.float32)
    return (low + (normalised + 1) / 2 * (high - low)).astype(np.float32)
