# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Weights on disk in half precision; runtimes widen them once, when they load, and compute as before.

A bundle is copied to robots and kept for ever where it is published, and weights are most of it.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TypeVar

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from dp_accel_ros.errors import BackendError

SMALLEST = 1024
"""Elements below which a constant is left alone: it would gain less than the node costs."""

Module = TypeVar("Module", bound=nn.Module)


def rounded_to_half(module: Module) -> Module:
    """Return a copy whose parameters are numbers that half precision holds, still as float32.

    Raises:
        BackendError: A parameter is too large for half precision, 65504, or not a number.
    """
    made = copy.deepcopy(module)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            half = parameter.half()
            if not bool(torch.isfinite(half).all()):
                worst = float(parameter.abs().max())
                raise BackendError(
                    f"{name}: expected at most 65504 in half precision, got {worst}"
                )
            parameter.copy_(half.float())
    return made


def store_in_half(path: Path) -> None:
    """Rewrite an ONNX file so that float32 constants that fit half precision exactly are kept in it.

    What the file computes does not change by a bit: each constant is cast to float32 before it is
    used, and constants that would change stay as they are.
    """
    model = onnx.load(str(path))
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if values.size < SMALLEST or not np.array_equal(half.astype(np.float32), values):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
