# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Networks that do not fit their manifest are refused before the first observation."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.bundle import Bundle, sha256_of
from dp_accel_ros.errors import (
    BackendError,
    BundleError,
    ConfigError,
    MissingPartError,
    UnknownNameError,
)
from dp_accel_ros.predict.assemble import load_policy, make_method
from dp_accel_ros.predict.methods import METHOD_CONFIGS, METHODS, DdimConfig, RagdpConfig
from dp_accel_ros.predict.policy import Policy

pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")
tiny = pytest.importorskip("tiny_bundle")

CAMERAS = ("front", "wrist")


def _renamed(model, old: str, new: str):
    """Return the model with another name for one of its outputs."""
    for node in model.graph.node:
        node.output[:] = [new if name == old else name for name in node.output]
    model.graph.output[0].name = new
    return model


def _with_sizes(model, port: int, *sizes):
    """Return the model with other declared sizes of an input; a name leaves the size open."""
    dims = model.graph.input[port].type.tensor_type.shape.dim
    for dim, size in zip(dims, sizes, strict=True):
        dim.Clear()
        setattr(dim, "dim_param" if isinstance(size, str) else "dim_value", size)
    return model


def _of_type(model, port: int, kind: int):
    """Return the model with another number type of an input."""
    model.graph.input[port].type.tensor_type.elem_type = kind
    return model


def _with_constant(model, name: str, factor: float):
    """Return the model with one of its constants multiplied."""
    for tensor in model.graph.initializer:
        if tensor.name == name:
            values = onnx.numpy_helper.to_array(tensor) * np.float32(factor)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, name))
    return model


def _without_unit_norm(model):
    model.graph.node[-1].op_type = "Identity"
    del model.graph.node[-1].attribute[:]
    return model


MISFITS = {
    "no network": ("denoiser.onnx", lambda: b"onnx", "not a network that onnxruntime can load"),
    "lost camera": (
        "encoder.onnx",
        lambda: tiny.encoder_model(8, ["front"], 96),
        "encoder.onnx: expected inputs front, wrist, joints, got front, joints",
    ),
    "other camera": (
        "encoder.onnx",
        lambda: tiny.encoder_model(8, ["front", "side"], 96),
        "expected inputs front, wrist, joints, got front, side, joints",
    ),
    "other image size": (
        "encoder.onnx",
        lambda: tiny.encoder_model(8, CAMERAS, 84),
        r"input 'front': expected uint8 \(B, 96, 96, 3\), got uint8 \(B, 84, 84, 3\)",
    ),
    "fewer joints": (
        "alt_encoder.onnx",
        lambda: tiny.alt_encoder_model(7, CAMERAS, 96),
        r"alt_encoder.onnx: input 'joints': expected float32 \(B, 8\), got float32 \(B, 7\)",
    ),
    "other horizon": (
        "denoiser.onnx",
        lambda: tiny.denoiser_model(8, 10, 2),
        r"input 'x': expected float32 \(B, 16, 8\), got float32 \(B, 10, 8\)",
    ),
    "longer condition": (
        "denoiser.onnx",
        lambda: tiny.denoiser_model(8, 16, 3),
        r"input 'cond': expected float32 \(B, 2, 12\), got float32 \(B, 3, 12\)",
    ),
    "whole-number times": (
        "denoiser.onnx",
        lambda: _of_type(tiny.denoiser_model(8, 16, 2), 1, onnx.TensorProto.INT64),
        r"input 't': expected float32 \(B\), got int64 \(B\)",
    ),
    "fixed batch": (
        "denoiser.onnx",
        lambda: _with_sizes(tiny.denoiser_model(8, 16, 2), 0, 1, 16, 8),
        r"input 'x': expected float32 \(B, 16, 8\), got float32 \(1, 16, 8\)",
    ),
    "other output": (
        "denoiser.onnx",
        lambda: _renamed(tiny.denoiser_model(8, 16, 2), "eps", "sample"),
        "expected outputs eps, got sample",
    ),
    "open sizes that do not fit": (
        "denoiser.onnx",
        lambda: _with_sizes(tiny.denoiser_model(8, 16, 3), 2, "B", "To", "C"),
        "denoiser.onnx: fails on a plain grey observation",
    ),
    "NaN": (
        "denoiser.onnx",
        lambda: _with_constant(tiny.denoiser_model(8, 16, 2), "alphas", np.nan),
        "denoiser.onnx: gives NaN or infinity for a plain grey observation",
    ),
    "no unit norm": (
        "alt_encoder.onnx",
        lambda: _without_unit_norm(tiny.alt_encoder_model(8, CAMERAS, 96)),
        "alt_encoder.onnx: expected embeddings of norm 1, one is off by",
    ),
}


@pytest.mark.parametrize(("name", "model", "message"), MISFITS.values(), ids=MISFITS)
def test_a_network_that_does_not_fit_is_refused(tiny_bundle, tmp_path, name, model, message):
    folder = shutil.copytree(tiny_bundle.path, tmp_path / "bundle")
    replacement = model()
    data = replacement if isinstance(replacement, bytes) else replacement.SerializeToString()
    _replace(folder, name, data)
    with pytest.raises(BundleError, match=message):
        load_policy(folder)


def _replace(folder: Path, name: str, data: bytes) -> None:
    old = sha256_of(folder / name)
    (folder / name).write_bytes(data)
    manifest = folder / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace(old, sha256_of(folder / name)))


def test_a_missing_provider_is_refused_instead_of_replaced(tiny_bundle: Bundle):
    onnxruntime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine has the provider")
    with pytest.raises(BackendError, match="expected CUDAExecutionProvider, this onnxruntime has"):
        load_policy(tiny_bundle, BackendConfig(provider="cuda"))


def test_a_folder_loads_like_its_bundle(tiny_bundle: Bundle):
    assert load_policy(tiny_bundle.path).manifest == load_policy(tiny_bundle).manifest


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_made_with_its_defaults(tiny_policy: Policy, name: str):
    assert make_method(name, tiny_policy).name == name


def test_every_method_has_parameters():
    assert METHODS.keys() == METHOD_CONFIGS.keys()


def test_an_unknown_method_is_refused_with_the_known_ones(tiny_policy: Policy):
    with pytest.raises(
        UnknownNameError, match="no method named 'ddmp'; there are alt, consistency, ddim, ddpm"
    ):
        make_method("ddmp", tiny_policy)


def test_the_config_of_another_method_is_refused(tiny_policy: Policy):
    with pytest.raises(ConfigError, match="'ragdp': expected RagdpConfig, got DdimConfig"):
        make_method("ragdp", tiny_policy, DdimConfig())


def test_more_steps_than_the_policy_was_trained_with_are_refused(tiny_policy: Policy):
    with pytest.raises(ConfigError, match=r"between 1 and 100 \(`num_train_timesteps`\), got 200"):
        make_method("ddim", tiny_policy, DdimConfig(num_inference_steps=200))


def test_redi_without_a_knowledge_base_says_what_makes_one(tiny_policy: Policy):
    manifest = tiny_policy.manifest.model_copy(update={"knowledge": None})
    without = replace(tiny_policy, manifest=manifest, knowledge=None)
    with pytest.raises(
        MissingPartError, match=r"'redi' needs .*`dp-accel knowledge-base` makes it"
    ):
        make_method("redi", without)


def test_redi_refuses_the_trajectories_of_another_network(tiny_policy: Policy):
    files = {**tiny_policy.manifest.files, "denoiser.onnx": "0" * 64}
    other = replace(tiny_policy, manifest=tiny_policy.manifest.model_copy(update={"files": files}))
    with pytest.raises(MissingPartError, match="a trajectory knowledge base of its network"):
        make_method("redi", other)


def test_a_leap_over_everything_is_refused():
    with pytest.raises(ConfigError, match=r"`leap_ratio` must be at most 0\.99, got 1\.0"):
        RagdpConfig(leap_ratio=1.0)
