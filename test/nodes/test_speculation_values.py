# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What is told of speculation, and what of it a scheduler reads again."""

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("onnxruntime")

from tiny_bundle import observation_at

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.errors import DataError
from dp_accel_ros.nodes.diagnostics import OK, status
from dp_accel_ros.nodes.policy_config import PolicyNodeConfig
from dp_accel_ros.nodes.policy_parts import assemble
from dp_accel_ros.nodes.speculation_values import last_chunk_from, speculation_values
from dp_accel_ros.predict.assemble import load_policy, make_method
from dp_accel_ros.predict.methods import METHOD_CONFIGS, TsdpConfig
from dp_accel_ros.predict.speculation.batch_costs import ROWS
from dp_accel_ros.predict.speculation.scheduling.view import LastChunk

N_LEVELS = 100


@pytest.fixture(scope="module")
def speculated(tiny_bundle):
    policy = load_policy(tiny_bundle)
    method = make_method("tsdp", policy, TsdpConfig(drafter="frozen"))
    return policy.predict(observation_at(tiny_bundle, 5), method, np.random.default_rng(0))


@pytest.fixture(scope="module")
def plain(tiny_bundle):
    policy = load_policy(tiny_bundle)
    return policy.predict(
        observation_at(tiny_bundle, 5), make_method("alt", policy), np.random.default_rng(0)
    )


def told(prediction):
    """Return the values as they look on the wire."""
    values = speculation_values(prediction, N_LEVELS)
    return {pair.key: pair.value for pair in status("any", OK, "", values).values}


def test_speculation_is_told_in_counts(speculated):
    facts, values = speculated.cost.speculation, told(speculated)
    assert values["steps"] == "100"
    assert [int(values[k]) for k in ("rounds", "rows", "drafts")] == [
        facts.rounds,
        facts.rows,
        facts.drafts,
    ]
    assert float(values["acceptance"]) == pytest.approx(facts.acceptance, rel=1e-5)
    assert float(values["bias_budget"]) == 0.0


def test_what_drafted_and_how_far_in_each_stage_is_told(tiny_bundle):
    policy = load_policy(tiny_bundle)
    config = TsdpConfig(
        drafter="frozen_fresh", lengths="fixed", plan="3:1:1,7:1:1,5:1:1", guard=40
    )
    method = make_method("tsdp", policy, config)
    values = told(policy.predict(observation_at(tiny_bundle, 5), method, np.random.default_rng(0)))
    assert values["drafter"] == "frozen_fresh"
    # every step of the last stage is behind the guard
    assert values["draft_lengths"] == "3 7 0"


def test_what_a_scheduler_must_know_of_a_chunk_survives_the_wire(speculated):
    sent, got = LastChunk.of(speculated, N_LEVELS), last_chunk_from(told(speculated), "chunk")
    np.testing.assert_allclose(got.features, sent.features, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(got.acceptance, sent.acceptance, rtol=1e-5)
    assert (got.rounds, got.rows, got.chunk) == (sent.rounds, sent.rows, "chunk")


def test_a_stage_without_a_test_stays_unknown_on_the_wire(speculated):
    values = told(speculated) | {"acceptance_by_stage": "0.9 - 0.7"}
    np.testing.assert_equal(last_chunk_from(values, "chunk").acceptance, (0.9, np.nan, 0.7))


def test_a_method_that_does_not_speculate_says_nothing(plain):
    assert set(told(plain).values()) == {""}
    assert last_chunk_from(told(plain), "chunk") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": "1 2 x"}, "`features`: expected numbers, got '1 2 x'"),
        ({"rows": "many"}, "`rows`: expected a whole number, got 'many'"),
        ({"steps": "0"}, "`steps`: expected at least 1, got 0"),
    ],
)
def test_values_that_are_no_numbers_are_refused(speculated, change, message):
    with pytest.raises(DataError, match=message):
        last_chunk_from(told(speculated) | change, "chunk")


def test_a_configured_policy_knows_what_a_batch_costs_here(tiny_bundle):
    methods = {name: config() for name, config in METHOD_CONFIGS.items()}
    parts = assemble(
        PolicyNodeConfig(bundle=str(tiny_bundle.path)), BackendConfig(threads=1), methods
    )
    assert parts.methods.chosen("tsdp").costs.rows == ROWS
