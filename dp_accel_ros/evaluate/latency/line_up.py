# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Who is timed against whom, and on what they are timed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.bundle import Bundle
from dp_accel_ros.errors import BackendError
from dp_accel_ros.evaluate.latency.timing import Contender
from dp_accel_ros.evaluate.method_settings import method_config
from dp_accel_ros.manifest import Manifest
from dp_accel_ros.observation import Observation
from dp_accel_ros.predict.assemble import load_policy, make_method
from dp_accel_ros.predict.loading.networks import torch_module
from dp_accel_ros.predict.policy import Policy

EAGER, PLAIN, BASE = "torch", "ORT f32", "ORT"
"""Backends: PyTorch in eager mode, ONNX Runtime in float32, and in the bundle's own precision."""

GRAPHS, LOOPS = "graphs", "loops"
"""PyTorch with recorded loops and batches on a GPU, and the same without recording on a CPU."""

RUNTIMES = {
    BASE: "ONNX Runtime",
    GRAPHS: "PyTorch with CUDA graphs",
    LOOPS: "PyTorch, loops not recorded",
}

LINE_UP: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("DDPM-100", "ddpm", ("num_inference_steps=100",)),
    ("DDIM-16", "ddim", ("num_inference_steps=16",)),
    ("DPM++2M-10", "dpmpp_2m", ("num_inference_steps=10",)),
    ("RAGDP r=.75", "ragdp", ("leap_ratio=0.75", "num_inference_steps=100")),
    ("RAGDP r=.9", "ragdp", ("leap_ratio=0.9", "num_inference_steps=100")),
    ("RAGDP r=.95", "ragdp", ("leap_ratio=0.95", "num_inference_steps=100")),
    ("RAGDP r=.9 of 20", "ragdp", ("leap_ratio=0.9", "num_inference_steps=20")),
    ("ALT", "alt", ()),
)
"""Label, method and settings of everybody; the first is the baseline of all."""


def contenders(bundle: Bundle, backend: BackendConfig) -> tuple[list[Contender], list[str]]:
    """Return who is timed, and notes for the reader; without torch, the eager one is left out."""
    policy, name = load_policy(bundle, backend), backend_name(backend)
    found = [_contender(policy, name, *entry) for entry in LINE_UP]
    notes = [f"{name}: {RUNTIMES[name]}, denoiser in {policy.precision}"]
    if (policy.precision, backend.runtime) != ("float32", "onnx"):
        plain = load_policy(bundle, replace(backend, precision="float32", runtime="onnx"))
        found.insert(0, _contender(plain, PLAIN, *LINE_UP[0]))
        notes.append(f"{PLAIN}: ONNX Runtime, denoiser in float32")
    try:
        eager = eager_policy(bundle, backend)
    except (ImportError, BackendError) as error:
        return found, [*notes, f"{EAGER} is left out: {error}"]
    what = "the denoiser, in float32; the encoder takes the same time in every row but ALT's"
    return [_contender(eager, EAGER, *LINE_UP[0]), *found], [*notes, f"{EAGER}: {what}"]


def backend_name(backend: BackendConfig) -> str:
    """Return what tables call a backend."""
    if backend.runtime == "onnx":
        return BASE
    return GRAPHS if backend.provider == "cuda" else LOOPS


def _contender(
    policy: Policy, backend: str, label: str, name: str, settings: Sequence[str]
) -> Contender:
    method = make_method(name, policy, method_config(name, settings))
    return Contender(label, backend, policy, method)


def noise_observations(manifest: Manifest, count: int, seed: int = 0) -> list[Observation]:
    """Return observations of noise: what is seen does not change how long networks take."""
    rng = np.random.default_rng(seed)
    low = np.array([joint.lower for joint in manifest.joints])
    high = np.array([joint.upper for joint in manifest.joints])
    steps = manifest.n_obs_steps
    return [
        Observation(
            stamp_ns=index * 1_000_000_000,
            images={
                camera.name: rng.integers(
                    0, 256, (steps, camera.height, camera.width, 3), dtype=np.uint8
                )
                for camera in manifest.cameras
            },
            joints=rng.uniform(low, high, (steps, len(low))).astype(np.float32),
            state=rng.normal(size=(steps, len(manifest.state))).astype(np.float32),
        )
        for index in range(count)
    ]


def eager_policy(bundle: Bundle, backend: BackendConfig) -> Policy:
    """Return a policy with its denoiser in PyTorch's eager mode.

    Raises:
        ImportError: PyTorch is not installed.
        BackendError: The bundle's denoiser is no module of this package.
    """
    from dp_accel_ros.predict.networks.torch_network import TorchNetwork

    module = torch_module(bundle, bundle.manifest.denoiser, backend.threads)
    network = TorchNetwork(module, backend.provider)
    return load_policy(bundle, replace(backend, runtime="onnx"), network=network)
