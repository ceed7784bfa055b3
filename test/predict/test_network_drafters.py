# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Drafts by a small network of the bundle."""

from __future__ import annotations

import numpy as np
import pytest
from gmm_policy import Mixture, run, speculation
from same_law import complaints
from tiny_bundle import make_tiny_bundle, observation_at
from toy_networks import CountingNetwork

from dp_accel_ros.bundle.networks import put_section
from dp_accel_ros.errors import BundleError, MissingPartError
from dp_accel_ros.predict.assemble import load_policy, make_method
from dp_accel_ros.predict.methods import TsdpConfig
from dp_accel_ros.predict.speculation.drafters import (
    NETWORK_DRAFTERS,
    Corrected,
    Distilled,
    Recalled,
)
from dp_accel_ros.predict.speculation.drafters.openings import no_opening

MIXTURE = Mixture.of_size(20)


def drafters(network, trust=1.0):
    """Return every drafter of a small network, by name."""
    return {
        "distilled": Distilled("distilled", network),
        "corrected": Corrected("corrected", no_opening, network, trust),
    }


def _acceptance(chains) -> float:
    return chains.accepted.sum() / np.isfinite(chains.gaps).sum()


@pytest.mark.parametrize("name", NETWORK_DRAFTERS)
@pytest.mark.parametrize("draft_length", [1, 20, 150])
def test_the_law_is_the_base_samplers_whatever_the_network_gets_wrong(name, draft_length):
    off = np.random.default_rng(9).normal(scale=0.01, size=MIXTURE.means.shape)
    poor = Mixture(MIXTURE.means + off, (0.25,) * 4).denoiser()
    chains = run(speculation(drafters(poor, 0.6)[name]), MIXTURE, draft_length, 600)
    assert 0.5 < _acceptance(chains) < 1.0
    assert not complaints(chains.x.reshape(600, -1), MIXTURE.base_run(600, 11))


@pytest.mark.parametrize("name", NETWORK_DRAFTERS)
def test_a_network_that_equals_the_target_never_fails(name: str):
    chains = run(speculation(drafters(MIXTURE.denoiser())[name]), MIXTURE, 24, 20)
    # rounding lets the odd draft fail: gaps are about 1e-4 at the last levels
    assert _acceptance(chains) > 0.999
    assert chains.rounds.max() <= 6


def test_an_error_that_is_the_same_everywhere_is_corrected():
    shifted = MIXTURE.denoiser(lambda x, t, cond: MIXTURE(x, t, cond) + np.float32(0.05))
    plain, corrected = (run(speculation(d), MIXTURE, 24, 20) for d in drafters(shifted).values())
    assert _acceptance(plain) < 0.95
    assert _acceptance(corrected) > 0.999


def test_without_trust_in_the_network_the_answers_alone_are_drafted_with():
    useless = MIXTURE.denoiser(lambda x, t, cond: np.float32(0.3) * x)
    pair = drafters(useless, trust=0.0)["corrected"], Recalled("recalled", no_opening)
    chains = [run(speculation(drafter), MIXTURE, 24, 20) for drafter in pair]
    np.testing.assert_allclose(chains[0].x, chains[1].x, atol=1e-5)
    np.testing.assert_array_equal(chains[0].rounds, chains[1].rounds)


def test_the_distilled_drafter_asks_its_network_once_a_draft():
    counting = CountingNetwork(MIXTURE)
    drafter = drafters(MIXTURE.denoiser(counting))["distilled"]
    chains = run(speculation(drafter), MIXTURE, 24, 1)
    assert len(counting.times) == chains.drafts.sum()


@pytest.fixture(scope="module")
def drafting_bundle(tmp_path_factory):
    bundle = make_tiny_bundle(tmp_path_factory.mktemp("drafting"))
    facts = {"feature_dim": bundle.manifest.encoder.feature_dim}
    network = bundle.file(bundle.manifest.denoiser.file)
    return put_section(bundle.path, "drafter", facts, {"file": network})


@pytest.mark.parametrize("name", NETWORK_DRAFTERS)
def test_a_bundle_with_a_drafter_drafts_with_it(drafting_bundle, name: str):
    policy = load_policy(drafting_bundle)
    config = TsdpConfig(drafter=name, lengths="fixed", draft_length=30, guard=3)
    observation = observation_at(drafting_bundle, 10)
    chunks = [
        policy.predict(observation, make_method(*method), np.random.default_rng(0))
        for method in (("ddpm", policy), ("tsdp", policy, config))
    ]
    np.testing.assert_allclose(chunks[1].normalised, chunks[0].normalised, atol=1e-5)
    assert chunks[1].cost.speculation.rounds < 10


@pytest.mark.parametrize("name", NETWORK_DRAFTERS)
def test_without_one_it_says_what_is_missing(tiny_bundle, name: str):
    policy = load_policy(tiny_bundle)
    with pytest.raises(MissingPartError, match=f"drafter {name}' needs a drafter .*parts: .*know"):
        make_method("tsdp", policy, TsdpConfig(drafter=name))


def test_a_drafter_for_other_features_is_refused(drafting_bundle):
    network = drafting_bundle.file(drafting_bundle.manifest.denoiser.file)
    with pytest.raises(BundleError, match="the drafter is conditioned on `feature_dim` 3"):
        put_section(drafting_bundle.path, "drafter", {"feature_dim": 3}, {"file": network})
