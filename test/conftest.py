# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Fixtures that several test files share."""

from __future__ import annotations

import contextlib

import pytest

from dp_accel_ros.bundle import Bundle
from dp_accel_ros.predict.policy import Policy

with contextlib.suppress(ImportError):
    import dp_accel_ros.sim  # noqa: F401  chooses the GL library before a test imports mujoco


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A small bundle with real ONNX files; read only."""
    pytest.importorskip("onnx")
    from tiny_bundle import make_tiny_bundle

    return make_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture(scope="session")
def tiny_policy(tiny_bundle: Bundle) -> Policy:
    """The policy of the tiny bundle."""
    pytest.importorskip("onnxruntime")
    from dp_accel_ros.predict.assemble import load_policy

    return load_policy(tiny_bundle)
