# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A denoising network of a bundle as the torch module that it was exported from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from dp_accel_ros.errors import BackendError
from dp_accel_ros.manifest import Manifest
from dp_accel_ros.predict.networks import Network
from dp_accel_ros.predict.networks.torch_network import TorchNetwork
from dp_accel_ros.predict.networks.torch_transformer import DenoisingTransformer, TransformerShape

TOLERANCE = 1e-3
"""Largest difference from the ONNX file for which the two count as one network."""


def transformer_of(
    paths: Sequence[Path],
    manifest: Manifest,
    feature_dim: int,
    reference: Network,
    threads: int,
) -> DenoisingTransformer:
    """Return a denoising network of a bundle as a torch module with the same weights.

    Args:
        paths: The float32 ONNX files that it consists of, the decoding one first.
        manifest: Of the bundle that they are from.
        feature_dim: Numbers of one observation step of the condition (C).
        reference: The files on ONNX Runtime; the module must agree with them.
        threads: Of torch, for the whole process.

    Raises:
        BackendError: The files are another network, or were exported in another way.
    """
    torch.set_num_threads(threads)
    path, weights = paths[0], {}
    for graph in (onnx.load(str(file)).graph for file in paths):
        weights |= _weights(graph)
    layers = {name.split(".")[1] for name in weights if name.startswith("layers.")}
    if not layers or "position" not in weights:
        raise BackendError(f"{path.name} is no denoising transformer of this package")
    shape = TransformerShape(
        n_actions=len(manifest.joints),
        n_features=feature_dim,
        n_obs_steps=manifest.n_obs_steps,
        horizon=manifest.horizon,
        actions_per_token=manifest.horizon // weights["position"].shape[1],
        n_layers=len(layers),
        width=weights["position"].shape[-1],
    )
    module = DenoisingTransformer(shape)
    wanted = dict(module.named_parameters())
    lacking = sorted(set(wanted) - set(weights))
    if lacking:
        raise BackendError(f"{path.name} lacks {len(lacking)} weights, among them {lacking[0]}")
    tensors = {name: torch.from_numpy(weights[name].copy()) for name in wanted}
    module.load_state_dict(tensors, strict=False)
    _verify(path.name, module, reference, manifest)
    return module


def _weights(graph: onnx.GraphProto) -> dict[str, NDArray[np.float32]]:
    """Return the weights by their names in torch.

    The exporter writes equal arrays once, and a matrix that it transposed in advance without its
    name; the bias that is added to the product says whose it is.
    """
    named = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        # what a bundle keeps in half precision is cast before it is used
        if node.op_type in ("Identity", "Cast") and node.input[0] in named:
            named[node.output[0]] = named[node.input[0]].astype(np.float32)
    products = {node.output[0]: node.input[1] for node in graph.node if node.op_type == "MatMul"}
    for node in graph.node:
        for bias, product in permutations(node.input, 2) if node.op_type == "Add" else ():
            matrix = products.get(product)
            if bias.endswith(".bias") and matrix in named and "::" in str(matrix):
                named[bias.removesuffix("bias") + "weight"] = named[str(matrix)].T
    return {name.removeprefix("network."): array for name, array in named.items()}


def _verify(
    name: str, module: DenoisingTransformer, reference: Network, manifest: Manifest
) -> None:
    network = TorchNetwork(module)
    n_rows = 4
    x = _waves(n_rows, manifest.horizon, len(manifest.joints))
    t = np.linspace(0, manifest.schedule.num_train_timesteps - 1, n_rows).astype(np.float32)
    cond = _waves(n_rows, manifest.n_obs_steps, module.shape.n_features)
    error = float(np.abs(network(x, t, cond) - reference(x, t, cond)).max())
    if not error <= TOLERANCE:
        raise BackendError(
            f"{name}: torch expected to agree with ONNX Runtime within {TOLERANCE:g}, got {error:.3g}"
        )


def _waves(*shape: int) -> NDArray[np.float32]:
    """Return numbers of about size one of which no two are equal; nothing here may draw."""
    return (1.5 * np.sin(np.arange(np.prod(shape)))).reshape(shape).astype(np.float32)
