# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

import torch

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.errors import BackendError
from dp_accel_ros.onnx_session import OnnxSession, Port
from dp_accel_ros.train.export import export
from dp_accel_ros.train.onnx_half import rounded_to_half, store_in_half

WIDTH = 96


@pytest.fixture
def module():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(WIDTH, WIDTH), torch.nn.GELU(), torch.nn.Linear(WIDTH, 3)
    )


def outputs(path, x):
    session = OnnxSession(
        path, {"x": Port("float32", (WIDTH,))}, {"y": Port("float32", (3,))}, BackendConfig()
    )
    return session.run({"x": x.numpy()})


def exported(module, tmp_path):
    path, x = tmp_path / "network.onnx", torch.randn(16, WIDTH)
    export(module, {"x": x}, "y", path)
    return path, x


def test_rounded_weights_are_stored_in_half_the_space_without_changing_a_bit(module, tmp_path):
    path, x = exported(rounded_to_half(module), tmp_path)
    before, size = outputs(path, x), path.stat().st_size
    store_in_half(path)
    assert path.stat().st_size < 0.6 * size
    np.testing.assert_array_equal(outputs(path, x), before)


def test_weights_that_half_precision_does_not_hold_stay_as_they_are(module, tmp_path):
    path, x = exported(module, tmp_path)
    before, size = outputs(path, x), path.stat().st_size
    store_in_half(path)
    assert path.stat().st_size == pytest.approx(size, rel=0.01)
    np.testing.assert_array_equal(outputs(path, x), before)


def test_rounding_moves_weights_by_at_most_half_a_step_and_leaves_the_module_alone(module):
    kept = {name: value.clone() for name, value in module.state_dict().items()}
    for name, value in rounded_to_half(module).state_dict().items():
        # 11 bits of significand
        assert bool(((value - kept[name]).abs() <= kept[name].abs() * 2.0**-11 + 2.0**-25).all())
        assert torch.equal(module.state_dict()[name], kept[name])


@pytest.mark.parametrize("value", [1e5, float("nan")])
def test_weights_beyond_half_precision_are_refused_by_name(module, value):
    with torch.no_grad():
        module[2].weight[0, 0] = value
    with pytest.raises(BackendError, match=r"2\.weight: expected at most 65504"):
        rounded_to_half(module)
