# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Images in the place of a state that nobody measures."""

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from tiny_bundle import make_tiny_bundle
from tiny_estimator import CAMERAS, make_tiny_estimator_bundle, seen_and_measured
from tiny_state_bundle import make_tiny_state_bundle

from dp_accel_ros.bundle import load_bundle
from dp_accel_ros.errors import BundleError, MissingPartError, UnknownNameError
from dp_accel_ros.evaluate.bench.needs import fingerprint, needed_files
from dp_accel_ros.evaluate.rollout import RolloutConfig
from dp_accel_ros.nodes.method_table import MethodTable
from dp_accel_ros.nodes.warm_up import warm_up
from dp_accel_ros.predict.assemble import load_policy, make_method
from dp_accel_ros.predict.methods import METHOD_CONFIGS


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_tiny_estimator_bundle(tmp_path_factory.mktemp("estimator") / "tiny")


@pytest.fixture(scope="module")
def seeing(bundle):
    return load_policy(bundle.observed_by("pixels"))


@pytest.fixture
def instant(bundle):
    joints = np.zeros((2, len(bundle.manifest.joints)), np.float32)
    return seen_and_measured(joints)


@pytest.mark.parametrize("encoder", ["policy", "alt"])
def test_images_give_what_the_state_in_them_gives(bundle, seeing, instant, encoder):
    images, state = instant
    found = seeing.condition([images], encoder)
    np.testing.assert_allclose(found, load_policy(bundle).condition([state], encoder), atol=1e-5)
    other, _ = seen_and_measured(images.joints, seed=1)
    assert np.abs(found - seeing.condition([other], encoder)).max() > 0.1


@pytest.mark.parametrize("method", ["ddim", "ragdp", "alt", "tsdp"])
def test_so_chunks_are_the_same(bundle, seeing, instant, method):
    made = [
        policy.predict(seen, make_method(method, policy), np.random.default_rng(0)).chunk.actions
        for policy, seen in zip((seeing, load_policy(bundle)), instant, strict=True)
    ]
    np.testing.assert_allclose(*made, atol=1e-4)


def test_without_being_asked_the_policy_takes_the_state(bundle):
    for observe in ("auto", "state"):
        manifest = bundle.observed_by(observe).manifest
        assert (manifest.observes, manifest.subject) == ("state", "lift")
        assert not manifest.estimates
        assert not RolloutConfig.of(manifest).with_images


def test_from_pixels_it_asks_for_images_and_no_state(bundle):
    manifest = bundle.observed_by("pixels").manifest
    assert (manifest.camera_names, manifest.state) == (CAMERAS, [])
    assert (manifest.observes, manifest.subject) == ("pixels", "lift_pixels")
    assert RolloutConfig.of(manifest).with_images
    assert RolloutConfig.of(manifest).state == ()


def test_every_method_is_warmed_up_from_pixels(seeing):
    table = MethodTable(seeing, {name: config() for name, config in METHOD_CONFIGS.items()})
    assert {"ddim", "ragdp", "alt", "tsdp"} <= set(warm_up(seeing, table, lambda: 0.0))


def test_results_from_pixels_are_not_those_from_the_state(bundle):
    config, manifest = METHOD_CONFIGS["alt"](), bundle.manifest
    without = load_bundle(bundle.path).manifest.model_copy(update={"estimator": None})
    seeing = manifest.observed_by("pixels")
    marks = [
        fingerprint(one, "alt", config, "float32", scheduled=False)
        for one in (manifest, without, seeing)
    ]
    assert marks[0] == marks[1] != marks[2]
    files = needed_files(seeing, "alt", config, "float32", scheduled=False)
    assert manifest.estimator.file in files


def test_a_bundle_without_an_estimator_cannot_see(tmp_path):
    bundle = make_tiny_state_bundle(tmp_path)
    with pytest.raises(MissingPartError, match=r"'observe: pixels' needs an estimator .* parts:"):
        bundle.observed_by("pixels")


def test_a_bundle_for_pixels_takes_no_state(tmp_path):
    with pytest.raises(MissingPartError, match="'observe: state' needs encoders of a state"):
        make_tiny_bundle(tmp_path).observed_by("state")


def test_another_way_to_observe_is_refused_with_those_that_exist(bundle):
    with pytest.raises(UnknownNameError, match="'lidar'; there are auto, pixels, state"):
        bundle.observed_by("lidar")


def test_an_estimator_of_another_state_is_refused(tmp_path):
    with pytest.raises(BundleError, match="the estimator gives 5 numbers, but the `state` has 4"):
        make_tiny_estimator_bundle(tmp_path, feature_dim=5)


def test_a_camera_cannot_have_the_name_of_another_input(tmp_path):
    cameras = [{"name": name, "width": 8, "height": 8} for name in ("front", "joints")]
    with pytest.raises(BundleError, match="a camera cannot be named 'joints'"):
        make_tiny_estimator_bundle(tmp_path, cameras=cameras)


def test_a_network_that_gives_something_else_is_refused(tmp_path):
    cameras = [{"name": name, "width": 9, "height": 8} for name in CAMERAS]
    bundle = make_tiny_estimator_bundle(tmp_path, cameras=cameras)
    with pytest.raises(BundleError, match=r"estimator_file.*front"):
        load_policy(bundle.observed_by("pixels"))
