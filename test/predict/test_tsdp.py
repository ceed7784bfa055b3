# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""TS-DP as a method of a policy with real ONNX files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tiny_bundle import observation_at

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.assemble import load_policy, make_method
from dp_accel_ros.predict.methods import DdpmConfig, TsdpConfig
from dp_accel_ros.predict.methods.base import Previous
from dp_accel_ros.predict.methods.tsdp import CPU_ROW_COST
from dp_accel_ros.predict.speculation.batch_costs import ROWS, BatchCosts
from dp_accel_ros.predict.speculation.drafters import DRAFTERS, NETWORK_DRAFTERS
from dp_accel_ros.predict.speculation.drafters.openings import previous_chunk
from dp_accel_ros.predict.speculation.plan import DraftPlan

FIXED = TsdpConfig(lengths="fixed", draft_length=20, drafter="frozen", guard=3)


@pytest.fixture(scope="module")
def policy(tiny_bundle):
    return load_policy(tiny_bundle)


@pytest.fixture
def predict(policy, tiny_bundle):
    """Return a function from a config, or a method, to a prediction at a row of the store."""

    def predict(config, row=10, previous=None):
        method = (
            config if not isinstance(config, TsdpConfig) else make_method("tsdp", policy, config)
        )
        observation = observation_at(tiny_bundle, row)
        return policy.predict(observation, method, np.random.default_rng(0), previous=previous)

    return predict


@pytest.mark.parametrize("drafter", sorted(set(DRAFTERS) - set(NETWORK_DRAFTERS)))
def test_every_drafter_lands_where_the_base_sampler_lands(policy, predict, drafter: str):
    base = predict(make_method("ddpm", policy))
    chunk = predict(TsdpConfig(drafter=drafter))
    np.testing.assert_allclose(chunk.normalised, base.normalised, atol=1e-5)


@pytest.mark.parametrize("n_steps", [100, 20])
def test_without_drafts_a_seed_gives_the_base_samplers_chunk_bit_for_bit(policy, predict, n_steps):
    base = predict(make_method("ddpm", policy, DdpmConfig(num_inference_steps=n_steps)))
    chunk = predict(TsdpConfig(draft_length=0, num_inference_steps=n_steps))
    np.testing.assert_array_equal(chunk.normalised, base.normalised)
    assert chunk.cost.nfe == chunk.cost.speculation.rounds == n_steps


def test_nfe_counts_states_and_rounds_count_calls(predict):
    cost = predict(FIXED).cost
    facts = cost.speculation
    assert cost.nfe == facts.rows == facts.rounds + facts.drafts
    assert facts.rounds < 10
    assert facts.kept.sum() + facts.rounds == 100


def test_facts_say_at_which_levels_drafts_were_accepted(predict):
    facts = predict(FIXED).cost.speculation
    assert facts.levels.tolist() == list(range(99, -1, -1))
    assert not facts.tested[-1]
    assert facts.acceptance == facts.kept[facts.tested].mean()


def test_acceptance_is_nan_when_nothing_was_drafted(predict):
    assert np.isnan(predict(TsdpConfig(draft_length=0)).cost.speculation.acceptance)


def test_the_guard_leaves_the_last_steps_to_the_target(predict):
    facts = predict(replace(FIXED, guard=7)).cost.speculation
    assert not facts.tested[-7:].any()
    assert facts.tested[-8]


def test_a_chunk_says_what_its_law_is(predict):
    words = {
        accept: predict(TsdpConfig(accept=accept, sigma_scale=1.5)).cost.exactness
        for accept in ("exact", "tempered", "threshold")
    }
    assert words["exact"] == "exact: the law of the base sampler"
    assert words["tempered"].startswith("biased: at most")
    assert words["threshold"].startswith("NOT the law of the base sampler")


def test_fewer_steps_than_trained_are_named(predict):
    words = predict(TsdpConfig(num_inference_steps=20)).cost.exactness
    assert words == "exact: the law of the base sampler, with 20 of 100 steps"


def test_the_exact_rule_has_no_bias_and_the_threshold_rule_reports_its_own(predict):
    noisy = replace(FIXED, drafter="retrieved")
    assert predict(noisy, row=40).cost.speculation.bias_budget == 0.0
    biased = predict(replace(noisy, accept="threshold"), row=40).cost.speculation
    assert biased.bias_budget > 0.0


def test_a_retrieved_draft_says_what_it_retrieved(predict):
    cost = predict(TsdpConfig(drafter="retrieved"), row=35).cost
    assert cost.match == (1, 5)
    assert cost.retrieval_distance == pytest.approx(0.0, abs=1e-3)


def test_a_retrieved_opening_saves_the_first_call(predict):
    calls = [predict(replace(FIXED, drafter=d)).cost.speculation for d in ("frozen", "retrieved")]
    assert np.isnan(calls[0].gaps[0])
    assert not np.isnan(calls[1].gaps[0])


def test_the_previous_chunk_is_moved_to_now_and_its_last_action_repeated():
    chunk = np.arange(8, dtype=np.float32).reshape(4, 2)
    opening = previous_chunk(np.zeros((2, 1, 1)), [None, Previous(3, chunk, None)])
    assert opening.known.tolist() == [False, True]
    np.testing.assert_array_equal(opening.estimate[1], chunk[[3, 3, 3, 3]])


@pytest.mark.parametrize("elapsed", [4, 100])
def test_a_previous_chunk_that_is_over_is_no_guess(elapsed: int):
    chunk = np.zeros((4, 2), np.float32)
    assert previous_chunk(np.zeros((1, 1, 1)), [Previous(elapsed, chunk, None)]) is None


def test_a_plan_for_one_chunk_replaces_the_parameters(policy, predict):
    method = make_method("tsdp", policy, replace(FIXED, draft_length=3))
    facts = predict(method.following(DraftPlan(draft_length=(0, 40, 0)))).cost.speculation
    assert not facts.tested[:33].any()
    assert facts.tested[34:66].all()


def test_a_constant_plan_equals_a_run_with_fixed_parameters(policy, predict):
    config = replace(FIXED, draft_length=12, accept="tempered", sigma_scale=1.5)
    planned = make_method("tsdp", policy, replace(config, draft_length=1, sigma_scale=1.0))
    chunk = predict(planned.following(DraftPlan.uniform(12, 1.5)), row=40)
    np.testing.assert_array_equal(chunk.normalised, predict(config, row=40).normalised)


def test_free_states_are_drafted_as_far_as_allowed_and_costly_ones_not_at_all(predict):
    free, costly = (
        predict(
            TsdpConfig(draft_length=50, row_cost=cost, guard=3, drafter="recalled")
        ).cost.speculation
        for cost in (0.0, 1.0)
    )
    assert free.rounds < 6
    assert costly.rounds == costly.rows == 100


def test_costs_measured_while_loading_decide_unless_the_parameters_do(policy):
    measured = BatchCosts((1, 9), (1.0, 1.1))
    timed = replace(policy, batch_costs=measured)
    assert make_method("tsdp", timed, TsdpConfig()).costs == measured
    assert make_method("tsdp", timed, TsdpConfig(row_cost=0.2)).costs == BatchCosts.linear(0.2)
    assert make_method("tsdp", policy, TsdpConfig()).costs == BatchCosts.linear(CPU_ROW_COST)
    assert make_method("tsdp", timed, FIXED).costs is None


def test_a_policy_is_measured_by_the_clock_it_is_loaded_with(tiny_bundle):
    ticks = iter(range(1000))
    policy = load_policy(tiny_bundle, clock=lambda: float(next(ticks)))
    assert policy.batch_costs == BatchCosts(ROWS, (1.0,) * len(ROWS))


def test_a_plan_may_be_given_as_a_parameter(predict):
    facts = predict(replace(FIXED, plan="0:1:1,40:1:1,0:1:1")).cost.speculation
    assert not facts.tested[:33].any()
    assert facts.tested[34:66].all()


def test_a_plan_that_cannot_be_read_is_refused_while_configuring():
    with pytest.raises(ConfigError, match=r"`plan` must be written as in 10:1.*got '7'"):
        TsdpConfig(plan="7")


def test_the_closed_form_learns_from_the_chunk_before(predict):
    config, prediction = (
        TsdpConfig(row_cost=0.02, draft_length=60, guard=3, drafter="recalled"),
        None,
    )
    rounds = []
    for _ in range(12):
        prediction = predict(config, previous=prediction)
        rounds.append(prediction.cost.speculation.rounds)
    assert rounds[-1] < rounds[0]


def test_an_outlook_over_other_steps_is_forgotten(predict):
    config = TsdpConfig()
    before = predict(replace(config, num_inference_steps=20))
    after, afresh = predict(config, previous=before), predict(config)
    np.testing.assert_array_equal(after.normalised, afresh.normalised)


def test_a_batch_gives_each_row_its_own_facts(policy, tiny_bundle):
    method = make_method("tsdp", policy, TsdpConfig(drafter="retrieved"))
    observations = [observation_at(tiny_bundle, row) for row in (3, 33, 80)]
    chunks = policy.predict_batch(observations, method, np.random.default_rng(0))
    assert [c.cost.match[0] for c in chunks] == [0, 1, 2]
    assert all(c.cost.speculation.kept.sum() + c.cost.speculation.rounds == 100 for c in chunks)


def test_a_sigma_scale_below_1_is_refused():
    with pytest.raises(ConfigError, match="`sigma_scale` must be at least 1"):
        TsdpConfig(sigma_scale=0.5)
