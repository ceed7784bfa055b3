# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""ONNX files give torch's numbers, or there is no file."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from dp_accel_ros.errors import BackendError  # noqa: E402
from dp_accel_ros.predict.networks.torch_transformer import (  # noqa: E402
    DenoisingTransformer,
    TransformerShape,
)
from dp_accel_ros.train.export import export  # noqa: E402
from dp_accel_ros.train.fusion_encoder import FusionEncoder  # noqa: E402
from dp_accel_ros.train.policy_encoder import PolicyEncoder  # noqa: E402

TINY = TransformerShape(n_actions=3, n_features=5, horizon=6, n_layers=2, n_heads=2, width=16)


def frames(n: int = 8) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shape = (n, 32, 32, 3)
    images = {
        name: torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
        for name in ("front", "wrist")
    }
    return {**images, "joints": torch.randn((n, 4), generator=generator)}


def noisy(n: int = 8) -> dict[str, torch.Tensor]:
    return {"x": torch.randn(n, 6, 3), "t": torch.arange(float(n)), "cond": torch.randn(n, 2, 5)}


def test_a_denoiser_agrees_with_torch_at_mixed_times(tmp_path: Path):
    found = export(DenoisingTransformer(TINY), noisy(), "eps", tmp_path / "denoiser.onnx")
    assert found.max_abs_error < 1e-5


@pytest.mark.parametrize(
    "encoder", [PolicyEncoder(2, 4, 5, (32, 32)), FusionEncoder(2, 4, (32, 32))]
)
def test_an_encoder_agrees_with_torch(tmp_path: Path, encoder: torch.nn.Module):
    found = export(encoder, frames(), "features", tmp_path / "encoder.onnx")
    assert found.max_abs_error < 1e-5


def test_a_file_that_computes_something_else_is_refused_and_removed(tmp_path: Path):
    with pytest.raises(BackendError, match=r"expected to agree with torch within 0, got \d"):
        export(DenoisingTransformer(TINY), noisy(), "eps", tmp_path / "bad.onnx", tolerance=0.0)
    assert not (tmp_path / "bad.onnx").exists()


@torch.no_grad()
def test_alt_features_have_unit_norm():
    features = FusionEncoder(2, 4, (32, 32))(*frames().values())
    assert torch.allclose(features.norm(dim=1), torch.ones(8), atol=1e-6)


@torch.no_grad()
def test_policy_features_end_with_the_joints():
    inputs = frames()
    features = PolicyEncoder(2, 4, 5, (32, 32))(*inputs.values())
    assert features.shape == (8, 9)
    assert torch.equal(features[:, 5:], inputs["joints"])
