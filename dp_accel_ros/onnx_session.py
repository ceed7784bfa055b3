# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""One ONNX file, loaded with pinned threads and checked against what its user needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.errors import BackendError, BundleError

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
DTYPES = {"tensor(float)": "float32", "tensor(uint8)": "uint8", "tensor(int64)": "int64"}

# They share no base class but `Exception`, and their module has no stubs for a plain import.
ONNXRUNTIME_ERRORS = tuple(
    kind
    for kind in vars(import_module("onnxruntime.capi.onnxruntime_pybind11_state")).values()
    if isinstance(kind, type) and issubclass(kind, Exception)
)


@dataclass(frozen=True, slots=True)
class Port:
    """One input or output: its number type and its size after the batch dimension."""

    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.dtype} (B{''.join(f', {size}' for size in self.shape)})"


class OnnxSession:
    """A network file that runs; safe to share between threads."""

    def __init__(
        self,
        path: Path,
        inputs: Mapping[str, Port],
        outputs: Mapping[str, Port],
        backend: BackendConfig,
    ) -> None:
        """Load the file.

        Raises:
            BundleError: It is not ONNX, or has other inputs or outputs than `inputs`, `outputs`.
            BackendError: The wanted provider is not the one that the session got.
        """
        self._path = path
        self._session = _session(path, backend)
        self._outputs = list(outputs)
        _verify_ports(path, "input", inputs, self._session.get_inputs())
        _verify_ports(path, "output", outputs, self._session.get_outputs())

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Return the first output for the inputs by name."""
        try:
            return np.asarray(self._session.run(self._outputs, feeds)[0])
        except ONNXRUNTIME_ERRORS as error:
            raise BackendError(f"{self._path}: the network failed: {error}") from error


def _session(path: Path, backend: BackendConfig) -> onnxruntime.InferenceSession:
    wanted = PROVIDERS[backend.provider]
    available = onnxruntime.get_available_providers()
    if wanted not in available:
        raise BackendError(f"expected {wanted}, this onnxruntime has {', '.join(available)}")
    try:
        session = onnxruntime.InferenceSession(path, _options(backend), providers=[wanted])
    except ONNXRUNTIME_ERRORS as error:
        raise BundleError(f"{path}: not a network that onnxruntime can load: {error}") from error
    # onnxruntime falls back to the CPU in silence when CUDA cannot start.
    if session.get_providers()[0] != wanted:
        raise BackendError(f"{path.name}: expected {wanted}, got {session.get_providers()[0]}")
    return session


def _options(backend: BackendConfig) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = backend.threads
    # One operator after the other: the threads are for what is inside of it.
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # Errors alone: they come as exceptions as well, and warnings would fill a node's log.
    options.log_severity_level = 3
    options.add_session_config_entry(
        "session.intra_op.allow_spinning", "1" if backend.spinning else "0"
    )
    return options


def _verify_ports(path: Path, kind: str, wanted: Mapping[str, Port], found: Sequence[Any]) -> None:
    names = [item.name for item in found]
    if set(names) != set(wanted):
        raise BundleError(
            f"{path}: expected {kind}s {', '.join(wanted)}, got {', '.join(names) or 'none'}"
        )
    for item in found:
        port = wanted[item.name]
        dtype, shape = DTYPES.get(item.type, item.type), tuple(item.shape)
        # A size that is not a number is free: the batch must be, others may be.
        fits = len(shape) == len(port.shape) + 1 and not isinstance(shape[0], int)
        fits = fits and all(
            got == want or not isinstance(got, int)
            for got, want in zip(shape[1:], port.shape, strict=True)
        )
        if dtype != port.dtype or not fits:
            got = f"{dtype} ({', '.join(str(size or '?') for size in shape)})"
            raise BundleError(f"{path}: {kind} {item.name!r}: expected {port}, got {got}")
