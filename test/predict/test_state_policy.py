# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Policies that take a measured state in the place of pictures, with a store and without."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx
from tiny_state_bundle import (
    STATE,
    blind_alt_encoder_model,
    make_tiny_state_bundle,
    state_observation_at,
)

from dp_accel_ros.bundle import load_bundle, sha256_of
from dp_accel_ros.errors import BundleError, MissingPartError, NotFiniteError, ShapeError
from dp_accel_ros.evaluate.latency.line_up import noise_observations
from dp_accel_ros.nodes.method_table import MethodTable
from dp_accel_ros.nodes.warm_up import warm_up
from dp_accel_ros.predict.assemble import load_policy, make_method
from dp_accel_ros.predict.methods import METHOD_CONFIGS


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_tiny_state_bundle(tmp_path_factory.mktemp("state") / "tiny")


@pytest.fixture(scope="module")
def policy(bundle):
    return load_policy(bundle)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """The policy of a bundle without a store."""
    folder = tmp_path_factory.mktemp("bare") / "tiny"
    return load_policy(make_tiny_state_bundle(folder, with_store=False))


def test_the_condition_of_a_stored_frame_is_its_key(bundle, policy):
    for row in (0, 1, 29, 30, 55, 89):
        condition = policy.condition([state_observation_at(bundle, row)])
        np.testing.assert_allclose(condition.ravel(), bundle.store.keys[row], atol=1e-3)


def test_the_alt_embedding_of_a_stored_frame_is_its_key(bundle, policy):
    rows = [3, 31, 80]
    found = policy.condition([state_observation_at(bundle, row) for row in rows], "alt")
    np.testing.assert_allclose(found, bundle.store.alt_keys[rows], atol=2e-3)


def test_alt_replays_the_demonstration_of_the_state_it_sees(bundle, policy):
    seen = state_observation_at(bundle, 35)
    made = policy.predict(seen, make_method("alt", policy), np.random.default_rng(0))
    assert made.cost.match == (1, 5)
    np.testing.assert_allclose(made.chunk.actions, bundle.store.actions[35:50], atol=1e-5)


def test_observations_in_a_batch_give_what_they_give_alone(bundle, policy):
    seen = [state_observation_at(bundle, row) for row in (4, 44)]
    method = make_method("alt", policy)
    together = policy.predict_batch(seen, method, np.random.default_rng(0))
    alone = [policy.predict(one, method, np.random.default_rng(0)) for one in seen]
    for a, b in zip(together, alone, strict=True):
        np.testing.assert_allclose(a.normalised, b.normalised, atol=1e-6)


def test_an_observation_without_the_state_is_refused(bundle, policy):
    seen = replace(state_observation_at(bundle, 3), state=None)
    with pytest.raises(ShapeError, match=r"state: expected float32 \(2, 4\), got none"):
        policy.predict(seen, make_method("ddim", policy), np.random.default_rng(0))


def test_a_state_of_another_size_or_with_nan_is_refused(bundle, policy):
    seen, method = state_observation_at(bundle, 3), make_method("ddim", policy)
    with pytest.raises(
        ShapeError, match=r"state: expected float32 \(2, 4\), got float32 \(2, 3\)"
    ):
        policy.predict(replace(seen, state=seen.state[:, :3]), method, np.random.default_rng(0))
    with pytest.raises(NotFiniteError, match="state"):
        policy.predict(replace(seen, state=seen.state * np.nan), method, np.random.default_rng(0))


def test_what_is_made_up_for_timing_and_warming_up_fits_the_policy(policy):
    table = MethodTable(policy, {"alt": METHOD_CONFIGS["alt"](), "ddim": METHOD_CONFIGS["ddim"]()})
    assert set(warm_up(policy, table, iter(range(100)).__next__)) == {"alt", "ddim"}
    seen = noise_observations(policy.manifest, 2)
    assert policy.condition(seen).shape == (2, 2, 12)


@pytest.mark.parametrize("method", ["ragdp", "alt", "tsdp"])
def test_without_a_store_what_retrieves_is_refused_by_name(bare, method):
    with pytest.raises(MissingPartError, match=f"{method!r} needs a retrieval store"):
        make_method(method, bare)


def test_without_a_store_the_solvers_work_and_the_nodes_offer_them_alone(bare):
    configs = {name: METHOD_CONFIGS[name]() for name in ("ddpm", "ddim", "ragdp", "alt", "tsdp")}
    assert MethodTable(bare, configs).names == ("ddpm", "ddim")
    seen = state_observation_at(load_bundle_of(bare), 3)
    made = bare.predict(seen, make_method("ddim", bare), np.random.default_rng(0))
    assert made.chunk.actions.shape == (15, 8)


def load_bundle_of(policy):
    """Return what `state_observation_at` needs of a bundle."""
    return type("HasManifest", (), {"manifest": policy.manifest})


def damaged(tmp_path, match, **changes):
    with pytest.raises(BundleError, match=match):
        load_policy(make_tiny_state_bundle(tmp_path / "tiny", **changes))


def test_more_names_than_the_encoder_takes_numbers_are_refused(tmp_path):
    expected = r"encoder.onnx: input 'state': expected float32 \(B, 5\), got float32 \(B, 4\)"
    damaged(tmp_path, expected, names=(*STATE, "another"))


def test_a_state_that_the_encoder_does_not_take_is_refused(tmp_path):
    bundle = make_tiny_state_bundle(tmp_path / "tiny")
    text = (bundle.path / "manifest.yaml").read_text().replace("- block_sin\n", "")
    (bundle.path / "manifest.yaml").write_text(text)
    with pytest.raises(BundleError, match=r"input 'state': expected float32 \(B, 3\)"):
        load_policy(bundle.path)


def test_a_bundle_that_sees_nothing_is_refused(tmp_path):
    damaged(tmp_path, "expected `cameras` or a `state`, got neither", names=())


def test_a_state_that_names_a_number_twice_is_refused(tmp_path):
    damaged(tmp_path, "state 'block_x' is listed twice", names=("block_x", "block_x", "a", "b"))


def test_a_state_with_an_empty_name_is_refused(tmp_path):
    damaged(tmp_path, r"state\.1: String should have at least 1 character", names=("a", "", "c"))


@pytest.mark.parametrize("name", ["state", "joints"])
def test_a_camera_named_as_another_input_is_refused(tmp_path, name):
    camera = {"name": name, "width": 96, "height": 96}
    damaged(tmp_path, f"a camera cannot be named {name!r}", cameras=[camera])


def test_a_store_whose_section_was_cut_out_is_refused(tmp_path):
    folder = make_tiny_state_bundle(tmp_path / "tiny").path
    text = (folder / "manifest.yaml").read_text()
    begin, end = text.index("retrieval:"), text.index("state:")
    (folder / "manifest.yaml").write_text(text[:begin] + text[end:])
    with pytest.raises(BundleError, match="is listed in `files` but nothing uses it"):
        load_bundle(folder)


def test_an_alt_encoder_that_takes_no_state_is_refused(tmp_path):
    bundle = make_tiny_state_bundle(tmp_path / "tiny")
    path, manifest = bundle.file("alt_encoder.onnx"), bundle.path / "manifest.yaml"
    old = sha256_of(path)
    onnx.save(blind_alt_encoder_model(8), path)
    manifest.write_text(manifest.read_text().replace(old, sha256_of(path)))
    with pytest.raises(BundleError, match=r"expected inputs joints, state, got joints"):
        load_policy(bundle.path)
