# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A denoiser's matrix products in 8-bit integers, with ranges measured once on real inputs.

On a CPU a chunk's few tokens keep the products waiting for weights, and weights of a quarter of the
size come four times as fast. The ranges of activations are constants of the file, not measured
in each batch, so that a row's result does not depend on the rows beside it: speculative sampling
is exact for the quantised network too.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.errors import BackendError
from dp_accel_ros.onnx_session import OnnxSession, Port

TOLERANCE = 0.05
"""Largest root mean square error, relative to the output's own; 8 bits give .01 to .02."""

BATCH = 16

Feeds = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class QuantisationError:
    """How far a quantised file is from the one that it was made from, on inputs it never saw."""

    file: str
    relative_rms: float
    max_abs: float


def quantise(source: Path, path: Path, calibration: Feeds, held_out: Feeds) -> QuantisationError:
    """Write a float32 network with its products in int8, and compare the two.

    The products with the first and the last weights stay in float32: at low noise levels the
    prediction hangs on small differences of the input, and they are cheap.

    Args:
        source: The float32 ONNX file; its weights are constants of `MatMul` nodes.
        path: The file to write; it is removed again where the comparison fails.
        calibration: Inputs by name, (N, ...), from which the ranges of activations are taken.
        held_out: As many inputs again, on which the error is measured.

    Raises:
        BackendError: The error is above `TOLERANCE`.
    """
    inner = _inner_products(source)
    # It reports its progress and its advice as warnings of the root logger.
    logging.disable(logging.WARNING)
    try:
        quantize_static(
            source,
            path,
            _Batches(calibration),
            quant_format=QuantFormat.QDQ,
            nodes_to_quantize=inner,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            # Seven bits: two products of full bytes overflow the sums of CPUs without VNNI.
            reduce_range=True,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"OpTypesToExcludeOutputQuantization": ["MatMul"]},
        )
    finally:
        logging.disable(logging.NOTSET)
    expected, got = (_outputs(file, held_out) for file in (source, path))
    error = got - expected
    relative = float(np.sqrt(np.mean(error**2) / np.mean(expected**2)))
    if not relative <= TOLERANCE:
        path.unlink()
        raise BackendError(
            f"{path.name}: expected a relative error of at most {TOLERANCE:g}, got {relative:.3g}"
        )
    return QuantisationError(path.name, relative, float(np.abs(error).max()))


def _inner_products(source: Path) -> list[str]:
    """Return the names of the products with weights, but the first and the last."""
    graph = onnx.load(str(source)).graph
    weights = {tensor.name for tensor in graph.initializer}
    names = [
        node.name for node in graph.node if node.op_type == "MatMul" and node.input[1] in weights
    ]
    if len(names) < 3:
        raise BackendError(f"{source.name}: expected 3 or more products to quantise: {names}")
    return names[1:-1]


class _Batches(CalibrationDataReader):
    def __init__(self, feeds: Feeds) -> None:
        n_rows = len(next(iter(feeds.values())))
        self._batches = iter(
            [
                {name: rows[start : start + BATCH] for name, rows in feeds.items()}
                for start in range(0, n_rows, BATCH)
            ]
        )

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        return next(self._batches, None)


def _outputs(path: Path, feeds: Feeds) -> NDArray[np.float32]:
    ports = {name: Port("float32", rows.shape[1:]) for name, rows in feeds.items()}
    chunk = Port("float32", feeds["x"].shape[1:])
    return OnnxSession(path, ports, {"eps": chunk}, BackendConfig(threads=1)).run(feeds)
