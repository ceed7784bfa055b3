# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

import onnx
import torch

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.errors import BackendError
from dp_accel_ros.onnx_session import OnnxSession, Port
from dp_accel_ros.predict.networks.torch_transformer import (
    Decoder,
    DenoisingTransformer,
    TransformerShape,
)
from dp_accel_ros.train import onnx_quantize as quantize
from dp_accel_ros.train.export import export

SHAPE = TransformerShape(n_actions=3, n_features=5, n_layers=2, n_heads=2, width=64)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    torch.manual_seed(0)
    network = DenoisingTransformer(SHAPE).eval()
    with torch.no_grad():
        for layer in (network.action_in, network.head):
            layer.weight.mul_(20.0)
    path = tmp_path_factory.mktemp("onnx") / "denoiser.onnx"
    export(
        Decoder(network), {name: torch.from_numpy(v) for name, v in feeds(0).items()}, "eps", path
    )
    return path


def feeds(seed, n=48):
    rng = np.random.default_rng(seed)
    memory_dim = 2 * SHAPE.n_layers * SHAPE.width
    shapes = {"x": (n, SHAPE.horizon, 3), "memory": (n, 1 + SHAPE.n_obs_steps, memory_dim)}
    return {name: rng.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()}


def run(path, inputs):
    ports = {name: Port("float32", rows.shape[1:]) for name, rows in inputs.items()}
    output = {"eps": Port("float32", inputs["x"].shape[1:])}
    return OnnxSession(path, ports, output, BackendConfig(threads=1)).run(inputs)


def test_the_quantised_network_is_smaller_and_errs_by_what_is_reported(exported, tmp_path):
    path = tmp_path / "int8.onnx"
    found = quantize.quantise(exported, path, feeds(1), feeds(2))
    error = run(path, feeds(2)) - run(exported, feeds(2))
    expected = np.sqrt(np.mean(error**2) / np.mean(run(exported, feeds(2)) ** 2))
    assert found.relative_rms == pytest.approx(expected, rel=1e-4)
    assert 0 < found.relative_rms < quantize.TOLERANCE
    assert found.max_abs == pytest.approx(np.abs(error).max(), rel=1e-4)
    assert path.stat().st_size < 0.5 * exported.stat().st_size


def test_a_rows_result_does_not_depend_on_the_rows_beside_it(exported, tmp_path):
    path = tmp_path / "int8.onnx"
    quantize.quantise(exported, path, feeds(1), feeds(2))
    inputs = feeds(3, n=8)
    loud = {
        name: rows * np.where(np.arange(8) < 4, 1, 30)[:, None, None]
        for name, rows in inputs.items()
    }
    loud = {name: rows.astype(np.float32) for name, rows in loud.items()}
    np.testing.assert_allclose(run(path, loud)[:4], run(path, inputs)[:4], atol=1e-6)


def test_the_first_and_the_last_products_keep_their_precision(exported, tmp_path):
    path = tmp_path / "int8.onnx"
    quantize.quantise(exported, path, feeds(1), feeds(2))
    graph = onnx.load(str(path)).graph
    kept = {
        t.name
        for t in graph.initializer
        if t.data_type == onnx.TensorProto.FLOAT and len(t.dims) == 2
    }
    shapes = {tuple(t.dims) for t in graph.initializer if t.name in kept}
    assert {(3, 64), (64, 3)} <= shapes
    assert (
        sum(t.data_type == onnx.TensorProto.INT8 and len(t.dims) == 2 for t in graph.initializer)
        == 14
    )


def test_a_network_that_int8_spoils_is_refused(exported, tmp_path):
    path = tmp_path / "int8.onnx"
    quiet = {name: 1e-3 * rows for name, rows in feeds(1).items()}
    with pytest.raises(BackendError, match=r"expected a relative error of at most 0\.05, got"):
        quantize.quantise(exported, path, quiet, feeds(2))
    assert not path.exists()
