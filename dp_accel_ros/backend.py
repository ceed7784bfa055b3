# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Where and how the networks of a bundle run."""

from __future__ import annotations

from dataclasses import dataclass

from dp_accel_ros import config
from dp_accel_ros.config import param


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendConfig:
    """Compute settings; the core pins every thread pool it starts."""

    provider: str = param(
        "cpu",
        "Where networks run. If `cuda` is not available, loading fails instead of using the CPU.",
        one_of=("cpu", "cuda"),
    )
    runtime: str = param(
        "onnx",
        "What runs the denoisers. `torch` needs PyTorch and the package onnx; with `provider` cuda "
        "it records whole sampling loops and the batches of a verification as CUDA graphs. "
        "Encoders run on ONNX Runtime either way.",
        one_of=("onnx", "torch"),
    )
    threads: int = param(2, "Threads within one network evaluation.", minimum=1, maximum=64)
    spinning: bool = param(
        False,
        "If true, idle network threads keep polling: a little faster, but they starve other "
        "processes when there are few cores.",
    )
    precision: str = param(
        "auto",
        "Numbers of the denoiser's products: `int8` is about twice as fast on a CPU, for bundles "
        "that have it; `auto` takes it there and float32 elsewhere. PyTorch has float32 only.",
        one_of=("auto", "float32", "int8"),
    )
    index: str = param(
        "numpy",
        "How the retrieval store is searched; `faiss_hnsw` is approximate, the others exact.",
        one_of=("numpy", "faiss", "faiss_hnsw"),
    )

    def __post_init__(self) -> None:
        config.check(self)
