# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The denoising networks of a bundle, in the precision that the backend asks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.bundle import Bundle
from dp_accel_ros.errors import BackendError, ConfigError
from dp_accel_ros.manifest.parts import Denoiser as NetworkFacts
from dp_accel_ros.manifest.parts import KarrasDenoiser
from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.networks import Network
from dp_accel_ros.predict.schedule import schedule_from

if TYPE_CHECKING:
    from dp_accel_ros.predict.networks.torch_transformer import DenoisingTransformer


def load_network(
    bundle: Bundle, facts: NetworkFacts, precision: str, backend: BackendConfig
) -> Network:
    """Return a denoising network of a bundle.

    Raises:
        BundleError: A file is damaged or contradicts the manifest.
        BackendError: What the backend asks for is not there, or cannot run this network.
    """
    if backend.runtime == "onnx":
        return _on_onnxruntime(bundle, facts, precision, backend)
    try:
        from dp_accel_ros.predict.networks.torch_graphs import graphed_network

        module = torch_module(bundle, facts, backend.threads)
    except ImportError as error:
        raise BackendError(
            f"`runtime` torch needs PyTorch and the package onnx: {error}; install them or use"
            " `runtime` onnx"
        ) from error
    return graphed_network(module, backend.provider)


def torch_module(bundle: Bundle, facts: NetworkFacts, threads: int) -> DenoisingTransformer:
    """Return a denoising network of a bundle in PyTorch, after comparing it with its files.

    The threads become torch's, for the whole process.

    Raises:
        ImportError: PyTorch or the package onnx is not installed.
        BackendError: The network is no transformer of this package.
    """
    from dp_accel_ros.predict.loading.torch_files import transformer_of

    paths = [bundle.file(name) for name in (facts.file, facts.conditioner) if name]
    # On the CPU whatever else is asked for: a GPU may round products to fewer digits.
    reference = _on_onnxruntime(bundle, facts, "float32", BackendConfig(threads=1))
    return transformer_of(paths, bundle.manifest, facts.feature_dim, reference, threads)


def _on_onnxruntime(
    bundle: Bundle, facts: NetworkFacts, precision: str, backend: BackendConfig
) -> Network:
    from dp_accel_ros.predict.networks.onnx_network import ConditionedOnnxNetwork, OnnxNetwork

    manifest = bundle.manifest
    path = file_of(bundle, facts, precision)
    if facts.conditioner is None or facts.memory_dim is None:
        return OnnxNetwork(
            path,
            horizon=manifest.horizon,
            n_joints=len(manifest.joints),
            n_obs_steps=manifest.n_obs_steps,
            feature_dim=facts.feature_dim,
            backend=backend,
        )
    return ConditionedOnnxNetwork(
        path,
        bundle.file(facts.conditioner),
        horizon=manifest.horizon,
        n_joints=len(manifest.joints),
        n_obs_steps=manifest.n_obs_steps,
        feature_dim=facts.feature_dim,
        memory_dim=facts.memory_dim,
        backend=backend,
    )


def karras_denoiser(
    bundle: Bundle, facts: KarrasDenoiser | None, prediction_type: str, backend: BackendConfig
) -> Denoiser | None:
    """Return the denoiser of an optional section, None where the bundle has none."""
    if facts is None:
        return None
    return Denoiser(
        load_network(bundle, facts, precision_of(bundle, backend), backend),
        schedule_from(facts.schedule),
        prediction_type,
        clip=facts.schedule.clip_sample,
        sigma_data=facts.schedule.sigma_data,
    )


def precision_of(bundle: Bundle, backend: BackendConfig) -> str:
    """Return in which numbers the denoisers' products are made, `float32` or `int8`.

    Raises:
        ConfigError: The backend asks for a precision that the bundle does not have.
    """
    has_int8 = bundle.manifest.denoiser.int8_file is not None
    if backend.precision == "auto":
        quick = has_int8 and backend.provider == "cpu" and backend.runtime == "onnx"
        return "int8" if quick else "float32"
    if backend.precision == "int8" and backend.runtime == "torch":
        raise ConfigError("`precision` int8 needs `runtime` onnx; PyTorch runs float32")
    if backend.precision == "int8" and not has_int8:
        rule = "its denoiser comes in float32 only; use `precision` auto or float32"
        raise ConfigError(f"{bundle.path}: {rule}, or build the bundle anew")
    return backend.precision


def file_of(bundle: Bundle, facts: NetworkFacts, precision: str) -> Path:
    """Return the file with a network's weights."""
    return bundle.file((precision == "int8" and facts.int8_file) or facts.file)
