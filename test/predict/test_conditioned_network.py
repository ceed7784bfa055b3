# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import shutil

import numpy as np
import onnx
import pytest
import yaml
from onnx import helper
from tiny_bundle import make_tiny_bundle, observation_at
from toy_networks import noise

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.bundle import write_bundle
from dp_accel_ros.errors import BundleError, ConfigError
from dp_accel_ros.predict.assemble import load_policy, make_method
from dp_accel_ros.predict.networks.onnx_network import ConditionedOnnxNetwork
from dp_accel_ros.predict.networks.token_memory import TokenMemory

MEMORY_DIM = 3


class Doubling:
    """Doubles a row and notes every row that it was asked about."""

    def __init__(self):
        self.asked = []

    def __call__(self, row):
        self.asked.append(row.tolist())
        return 2 * row[:, None, :]


def rows(*values):
    return np.array([[value] for value in values], np.float32)


def test_a_row_that_was_met_before_is_not_computed_again():
    function = Doubling()
    memory = TokenMemory(function, np.concatenate, n_kept=4)
    np.testing.assert_array_equal(memory.of(rows(1, 2, 1))[:, 0], rows(2, 4, 2))
    np.testing.assert_array_equal(memory.of(rows(2))[:, 0], rows(4))
    assert function.asked == [[[1.0]], [[2.0]]]


def test_the_row_that_was_not_asked_about_for_longest_is_forgotten():
    function = Doubling()
    memory = TokenMemory(function, np.concatenate, n_kept=2)
    memory.of(rows(1, 2, 1, 3, 1, 2))
    assert function.asked == [[[1.0]], [[2.0]], [[3.0]], [[2.0]]]


def conditioner_model(n_obs_steps, feature_dim):
    """Return a network whose tokens are t, and the sum of each condition step, three times."""
    nodes = [
        helper.make_node("Reshape", ["t", "column"], ["time"]),
        helper.make_node("ReduceSum", ["cond", "last"], ["sums"], keepdims=1),
        helper.make_node("Concat", ["time", "sums"], ["tokens"], axis=1),
        helper.make_node("Tile", ["tokens", "times"], ["memory"]),
    ]
    constants = [
        onnx.numpy_helper.from_array(np.array(value), name)
        for name, value in (("column", [-1, 1, 1]), ("last", [2]), ("times", [1, 1, MEMORY_DIM]))
    ]
    shape = ["B", n_obs_steps, feature_dim]
    return model(
        nodes, {"t": ["B"], "cond": shape}, {"memory": ["B", 1 + n_obs_steps, None]}, constants
    )


def decoder_model(horizon, n_joints, n_obs_steps, shift):
    """Return eps = x + the sum of the memory + shift."""
    nodes = [
        helper.make_node("ReduceSum", ["memory", "inner"], ["sum"], keepdims=1),
        helper.make_node("Add", ["x", "sum"], ["moved"]),
        helper.make_node("Add", ["moved", "shift"], ["eps"]),
    ]
    constants = [
        onnx.numpy_helper.from_array(np.array([1, 2]), "inner"),
        onnx.numpy_helper.from_array(np.float32(shift), "shift"),
    ]
    chunk = ["B", horizon, n_joints]
    memory = ["B", 1 + n_obs_steps, MEMORY_DIM]
    return model(nodes, {"x": chunk, "memory": memory}, {"eps": chunk}, constants)


def model(nodes, inputs, outputs, constants):
    def ports(shapes):
        return [helper.make_tensor_value_info(n, 1, shape) for n, shape in shapes.items()]

    graph = helper.make_graph(nodes, "toy", ports(inputs), ports(outputs), constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


@pytest.fixture(scope="module")
def split_bundle(tmp_path_factory):
    """A bundle whose denoiser comes in two halves, the second also as int8; that one adds .25."""
    folder = tmp_path_factory.mktemp("split")
    tiny = make_tiny_bundle(folder / "tiny")
    facts = yaml.safe_load((tiny.path / "manifest.yaml").read_text("utf-8"))
    manifest = tiny.manifest
    for name, network in {
        "conditioner.onnx": conditioner_model(2, manifest.denoiser.feature_dim),
        "denoiser.onnx": decoder_model(16, 8, 2, 0.0),
        "denoiser_int8.onnx": decoder_model(16, 8, 2, 0.25),
    }.items():
        onnx.save(network, folder / name)
    for part in ("edm", "consistency"):
        facts.pop(part)
    facts["denoiser"] |= {
        "conditioner": "conditioner.onnx",
        "memory_dim": MEMORY_DIM,
        "int8_file": "denoiser_int8.onnx",
    }
    del facts["format_version"], facts["files"], facts["knowledge"]
    networks = {name: folder / name for name in ("denoiser.onnx", "denoiser_int8.onnx")}
    networks["conditioner.onnx"] = folder / "conditioner.onnx"
    networks |= {name: tiny.file(name) for name in ("encoder.onnx", "alt_encoder.onnx")}
    return write_bundle(folder / "bundle", facts, tiny.store, networks)


def expected(x, t, cond):
    return x + MEMORY_DIM * (t + cond.sum(axis=(1, 2)))[:, None, None]


def test_the_two_halves_give_what_one_network_would(split_bundle):
    policy = load_policy(split_bundle, BackendConfig(threads=1, precision="float32"))
    network = policy.denoiser.network
    assert isinstance(network, ConditionedOnnxNetwork)
    x, cond = noise(4, 16, 8), noise(4, 2, policy.manifest.denoiser.feature_dim, seed=1)
    t = np.array([0, 7, 7, 99], np.float32)
    for _ in range(2):  # the second time from memory
        np.testing.assert_allclose(network(x, t, cond), expected(x, t, cond), rtol=1e-4, atol=1e-3)


def test_a_row_gives_the_same_bits_whatever_was_asked_before(split_bundle):
    x, cond = noise(5, 16, 8), noise(5, 2, 12, seed=1)
    t = np.arange(5, dtype=np.float32)
    alone, together = (
        load_policy(split_bundle, BackendConfig(threads=1)).denoiser.network for _ in range(2)
    )
    together(x, t, cond)
    for i in range(5):
        at = slice(i, i + 1)
        np.testing.assert_array_equal(
            alone(x[at], t[at], cond[at]), together(x[at], t[at], cond[at])
        )


@pytest.mark.parametrize(
    ("precision", "shift", "words"),
    [("float32", 0.0, ""), ("int8", 0.25, "; denoiser in int8"), ("auto", 0.25, "in int8")],
)
def test_the_precision_chooses_the_file_and_is_told(split_bundle, precision, shift, words):
    policy = load_policy(split_bundle, BackendConfig(threads=1, precision=precision))
    x, t, cond = noise(1, 16, 8), np.zeros(1, np.float32), np.zeros((1, 2, 12), np.float32)
    np.testing.assert_allclose(policy.denoiser.network(x, t, cond) - x, shift, atol=1e-6)
    observation, rng = observation_at(split_bundle, 5), np.random.default_rng(0)
    chunk = policy.predict(observation, make_method("ddim", policy), rng)
    assert chunk.cost.exactness.endswith(words)
    assert ("int8" in chunk.cost.exactness) == (shift != 0.0)
    lookup = policy.predict(observation, make_method("alt", policy), rng)
    assert "int8" not in lookup.cost.exactness


def test_int8_is_refused_where_the_bundle_has_none(tiny_bundle):
    with pytest.raises(
        ConfigError, match="comes in float32 only; use `precision` auto or float32"
    ):
        load_policy(tiny_bundle, BackendConfig(precision="int8"))


def test_a_conditioner_without_a_size_is_refused(split_bundle, tmp_path):
    shutil.copytree(split_bundle.path, tmp_path / "b")
    path = tmp_path / "b" / "manifest.yaml"
    path.write_text(path.read_text("utf-8").replace("  memory_dim: 3\n", ""), encoding="utf-8")
    with pytest.raises(BundleError, match="`conditioner` and `memory_dim` go together"):
        load_policy(tmp_path / "b")


def test_a_conditioner_of_another_size_is_refused(split_bundle, tmp_path):
    shutil.copytree(split_bundle.path, tmp_path / "b")
    path = tmp_path / "b" / "manifest.yaml"
    text = path.read_text("utf-8").replace("  memory_dim: 3\n", "  memory_dim: 4\n")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(
        BundleError, match=r"conditioner.onnx: output .memory.: expected float32 \(B, 3, 4\)"
    ):
        load_policy(tmp_path / "b")
