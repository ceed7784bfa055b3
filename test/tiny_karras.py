# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The EDM teacher and the consistency student of the tiny bundle, both exact for one chunk."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIGMA_DATA, SIGMA_MIN = 0.5, 0.02
LEVELS = {
    "sigma_min": SIGMA_MIN,
    "sigma_max": 80.0,
    "rho": 7.0,
    "bins": 80,
    "time_scale": 1000.0,
    "sigma_data": SIGMA_DATA,
    "clip_sample": True,
}


PARTS = ("edm", "consistency")


def karras_facts(feature_dim: int) -> dict:
    """Return what the manifest says under `edm` and `consistency`."""
    files = {part: {"file": f"{part}.onnx", "feature_dim": feature_dim} for part in PARTS}
    return {part: files[part] | {"schedule": dict(LEVELS)} for part in PARTS}


def karras_models(ramp: np.ndarray, n_obs_steps: int, feature_dim: int) -> dict:
    """Return both networks by their file's name; see `karras_model`."""
    sizes = (ramp, n_obs_steps, feature_dim)
    return {f"{part}.onnx": karras_model(part, *sizes) for part in PARTS}


class _Graph:
    """Writes nodes as if they were calls."""

    def __init__(self) -> None:
        self.nodes, self.constants = [], []

    def __call__(self, kind: str, *inputs: str | float | np.ndarray) -> str:
        names = [i if isinstance(i, str) else self._constant(i) for i in inputs]
        output = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [output]))
        return output

    def _constant(self, value: float | np.ndarray) -> str:
        array = np.float32(value) if isinstance(value, float) else value
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name


def karras_model(
    part: str, ramp: np.ndarray, n_obs_steps: int, feature_dim: int
) -> onnx.ModelProto:
    """Return what predicts the chunk "newest joints + ramp", (Tp, Da), from any noise."""
    op, (horizon, n_joints) = _Graph(), ramp.shape
    place = ([n_obs_steps - 1, feature_dim - n_joints], [n_obs_steps, feature_dim], [1, 2])
    now = op("Slice", "cond", *(np.array(numbers) for numbers in place))
    target = op("Add", now, ramp[None])
    log_sigma = op("Mul", op("Unsqueeze", "t", np.array([1, 2])), 4.0 / LEVELS["time_scale"])
    sigma = op("Exp", log_sigma)
    size = op("Sqrt", op("Add", op("Mul", sigma, sigma), SIGMA_DATA**2))
    noisy = op("Mul", "x", size)
    past = sigma
    if part == "consistency":  # at the boundary any prediction is right that is finite
        past = op("Max", op("Sub", sigma, SIGMA_MIN), 1e-3)
    of_x = op("Div", SIGMA_DATA**2, op("Add", op("Mul", past, past), SIGMA_DATA**2))
    of_prediction = op("Div", op("Mul", past, SIGMA_DATA), size)
    if part == "consistency":
        jumped = op("Div", past, sigma)
        of_x = op("Add", op("Sub", 1.0, jumped), op("Mul", jumped, of_x))
        of_prediction = op("Mul", jumped, of_prediction)
    rest = op("Sub", target, op("Mul", of_x, noisy))
    op.nodes.append(helper.make_node("Div", [rest, of_prediction], ["eps"]))
    shapes = {
        "x": ["B", horizon, n_joints],
        "t": ["B"],
        "cond": ["B", n_obs_steps, feature_dim],
        "eps": ["B", horizon, n_joints],
    }
    ports = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()]
    graph = helper.make_graph(op.nodes, part, ports[:3], ports[3:], op.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model
