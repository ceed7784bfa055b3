# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Networks to ONNX files that give the same numbers as torch, or no files at all."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.errors import BackendError
from dp_accel_ros.onnx_session import OnnxSession, Port

OPSET = 17
"""The first with LayerNormalization as one node, which every runtime since 2022 reads."""

TOLERANCE = 1e-4
PARITY_BATCHES = (1, 2, 7)


@dataclass(frozen=True, slots=True)
class Parity:
    """How well an ONNX file agrees with the torch module that it was made from."""

    file: str
    max_abs_error: float


def export(
    module: nn.Module,
    samples: Mapping[str, Tensor],
    output: str,
    path: Path,
    tolerance: float = TOLERANCE,
) -> Parity:
    """Write a module as an ONNX file with a free batch dimension, and compare the two.

    Args:
        module: Takes the samples in their order.
        samples: For each input real or random values, (N, ...), N at least 7.
        output: Name of the output.
        path: The file; it is removed again where the comparison fails.
        tolerance: Largest allowed difference.

    Raises:
        BackendError: The file computes something else.
    """
    module = module.cpu().eval()
    _write(module, samples, output, path)
    error = _max_abs_error(module, samples, output, path)
    if not error <= tolerance:
        path.unlink()
        raise BackendError(
            f"{path.name}: expected to agree with torch within {tolerance:g}, got {error:.3g}"
        )
    return Parity(path.name, error)


def with_noise(real: NDArray[Any], rng: np.random.Generator) -> Tensor:
    """Return real inputs, (N, ...), followed by as many random ones of the same type."""
    if real.dtype == np.uint8:
        random = rng.integers(0, 256, real.shape, dtype=np.uint8)
    else:
        random = rng.normal(size=real.shape).astype(np.float32)
    return torch.from_numpy(np.concatenate([real, random]))


def _write(module: nn.Module, samples: Mapping[str, Tensor], output: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # The TorchScript exporter is called old; the new one needs one more package for no gain.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            tuple(sample[:2] for sample in samples.values()),
            str(path),
            input_names=list(samples),
            output_names=[output],
            dynamic_axes={name: {0: "B"} for name in (*samples, output)},
            opset_version=OPSET,
            dynamo=False,
        )


@torch.no_grad()
def _max_abs_error(
    module: nn.Module, samples: Mapping[str, Tensor], output: str, path: Path
) -> float:
    expected = module(*samples.values())
    ports = {name: _port(sample) for name, sample in samples.items()}
    session = OnnxSession(path, ports, {output: _port(expected)}, BackendConfig(threads=1))
    worst = 0.0
    for size in (*PARITY_BATCHES, len(expected)):
        feeds = {name: sample[:size].numpy() for name, sample in samples.items()}
        got = session.run(feeds)
        # Not max(): it would let NaN pass.
        worst = float(np.fmax(worst, np.abs(got - expected[:size].numpy()).max()))
        if not np.isfinite(got).all():
            return float("nan")
    return worst


def _port(sample: Tensor) -> Port:
    return Port(str(sample.dtype).removeprefix("torch."), tuple(sample.shape[1:]))
