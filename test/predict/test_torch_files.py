# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.errors import BackendError
from dp_accel_ros.predict.networks.onnx_network import OnnxNetwork

pytest.importorskip("torch")
pytest.importorskip("onnx")

import torch

from dp_accel_ros.predict.loading.torch_files import transformer_of
from dp_accel_ros.predict.networks.torch_network import TorchNetwork
from dp_accel_ros.predict.networks.torch_transformer import DenoisingTransformer, TransformerShape
from dp_accel_ros.train.export import export
from dp_accel_ros.train.onnx_half import rounded_to_half, store_in_half


@pytest.fixture(scope="module", params=[1, 4], ids=["one action a token", "four"])
def exported(request, tiny_bundle, tmp_path_factory):
    torch.manual_seed(0)
    facts = tiny_bundle.manifest
    features = facts.denoiser.feature_dim
    shape = TransformerShape(
        n_actions=len(facts.joints),
        n_features=features,
        n_layers=2,
        actions_per_token=request.param,
    )
    module = rounded_to_half(DenoisingTransformer(shape))
    samples = {
        "x": torch.randn(8, facts.horizon, len(facts.joints)),
        "t": torch.arange(8.0),
        "cond": torch.randn(8, facts.n_obs_steps, features),
    }
    path = tmp_path_factory.mktemp("onnx") / "denoiser.onnx"
    export(module, samples, "eps", path)
    store_in_half(path)
    return path


def reference(path, manifest) -> OnnxNetwork:
    return OnnxNetwork(
        path,
        horizon=manifest.horizon,
        n_joints=len(manifest.joints),
        n_obs_steps=manifest.n_obs_steps,
        feature_dim=manifest.denoiser.feature_dim,
        backend=BackendConfig(threads=1),
    )


def test_the_module_computes_what_the_file_computes(exported, tiny_bundle):
    onnx_network = reference(exported, tiny_bundle.manifest)
    network = TorchNetwork(
        transformer_of([exported], tiny_bundle.manifest, 12, onnx_network, threads=1)
    )
    x = np.random.default_rng(1).standard_normal((3, 16, 8), dtype=np.float32)
    t, cond = np.array([0, 50, 99], np.float32), np.ones((3, 2, 12), np.float32)
    np.testing.assert_allclose(network(x, t, cond), onnx_network(x, t, cond), atol=1e-5)


def test_another_network_is_not_taken_for_the_same(exported, tiny_bundle):
    def zero(x, t, cond):
        return 0.0 * x

    with pytest.raises(BackendError, match="torch expected to agree with ONNX Runtime"):
        transformer_of([exported], tiny_bundle.manifest, 12, zero, threads=1)


def test_a_file_that_is_no_transformer_says_so(tiny_bundle):
    path = tiny_bundle.file("denoiser.onnx")
    with pytest.raises(BackendError, match="is no denoising transformer"):
        transformer_of([path], tiny_bundle.manifest, 12, reference(path, tiny_bundle.manifest), 1)
