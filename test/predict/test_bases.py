# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Which network, schedule and noise each solver of a policy uses, and what a bundle must have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from dp_accel_ros.bundle import Bundle, load_bundle
from dp_accel_ros.errors import BundleError, ConfigError, MissingPartError
from dp_accel_ros.predict.assemble import load_policy, make_method
from dp_accel_ros.predict.methods import ConsistencyConfig, HeunConfig, Ragdp, RagdpConfig
from dp_accel_ros.predict.policy import Policy

pytest.importorskip("onnxruntime")
tiny = pytest.importorskip("tiny_bundle")

PARTS = pytest.mark.parametrize(
    ("method", "part"), [("heun", "edm"), ("consistency", "consistency")]
)


def _cost(policy: Policy, bundle: Bundle, name: str, config=None):
    method = make_method(name, policy, config)
    observation = tiny.observation_at(bundle, 35)
    return policy.predict(observation, method, np.random.default_rng(0)).cost


def test_heun_makes_157_calls_and_a_student_as_many_as_it_jumps(tiny_policy, tiny_bundle):
    assert _cost(tiny_policy, tiny_bundle, "heun").nfe == 157
    ends = HeunConfig(end="sigma_min")
    assert _cost(tiny_policy, tiny_bundle, "heun", ends).nfe == 158
    for n in (1, 3):
        config = ConsistencyConfig(num_inference_steps=n)
        assert _cost(tiny_policy, tiny_bundle, "consistency", config).nfe == n


def test_the_last_step_may_leave_the_noise_of_the_lowest_level(tiny_policy, tiny_bundle):
    expected = tiny.target_chunk(tiny.frame_joints(35, 8), 16)
    observation = tiny.observation_at(tiny_bundle, 35)
    gaps = {}
    for end in ("clean", "sigma_min"):
        method = make_method("heun", tiny_policy, HeunConfig(end=end))
        chunk = tiny_policy.predict(observation, method, np.random.default_rng(0)).normalised
        gaps[end] = np.abs(chunk - expected).std()
    assert gaps["clean"] < 1e-4
    assert 0.005 < gaps["sigma_min"] < 0.02


@PARTS
def test_sampling_starts_from_the_noise_that_the_config_says(tiny_policy, method, part):
    config = {"heun": HeunConfig, "consistency": ConsistencyConfig}[method]
    assert make_method(method, tiny_policy).initial_sigma == pytest.approx(80.0)
    assert make_method(method, tiny_policy, config(initial_noise="unit")).initial_sigma == 1.0
    assert make_method(method, tiny_policy).denoiser is getattr(tiny_policy, part)


@PARTS
def test_ragdp_takes_the_solvers_network_and_all_of_its_steps(tiny_policy, method, part):
    made = make_method("ragdp", tiny_policy, RagdpConfig(solver=method))
    assert isinstance(made, Ragdp)
    assert made.base.denoiser is getattr(tiny_policy, part)
    assert made.base.sampler.n_steps == 79


@PARTS
def test_a_bundle_without_the_network_does_not_offer_its_methods(tiny_policy, method, part):
    policy = replace(tiny_policy, **{part: None})
    for name, config in ((method, None), ("ragdp", RagdpConfig(solver=method))):
        with pytest.raises(MissingPartError, match=f"'{method}' needs .* \\(`{part}`\\)"):
            make_method(name, policy, config)
    make_method("ragdp", policy)


def test_more_steps_than_levels_are_refused(tiny_policy: Policy):
    with pytest.raises(ConfigError, match="must be between 1 and 79"):
        make_method("ragdp", tiny_policy, RagdpConfig(solver="heun", num_inference_steps=100))


def _rewritten(folder: Path, part: str, key: str, value: object) -> Path:
    tiny.make_tiny_bundle(folder)
    manifest = yaml.safe_load((folder / "manifest.yaml").read_text())
    *sections, name = key.split(".")
    inner = manifest[part]
    for section in sections:
        inner = inner[section]
    inner[name] = value
    (folder / "manifest.yaml").write_text(yaml.safe_dump(manifest))
    return folder


@PARTS
@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("feature_dim", 5, "is conditioned on `feature_dim` 5, but the encoder gives 12"),
        ("int8_file", "denoiser.onnx", "must both have an `int8_file`, or neither"),
        ("schedule.sigma_min", 90.0, "`sigma_min` must be below `sigma_max`, got 90.0 and 80.0"),
        ("schedule.bins", 1, "greater than or equal to 2"),
    ],
)
def test_a_section_that_contradicts_the_rest_is_refused(
    tmp_path: Path, method, part, key, value, complaint
):
    del method
    with pytest.raises(BundleError, match=complaint):
        load_bundle(_rewritten(tmp_path, part, key, value))


def test_the_levels_of_the_manifest_are_those_of_the_policy(tmp_path: Path):
    policy = load_policy(_rewritten(tmp_path, "edm", "schedule.bins", 40))
    assert len(policy.edm.schedule) == 40
    assert len(policy.consistency.schedule) == 80
