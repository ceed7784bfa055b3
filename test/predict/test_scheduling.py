# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What a learned scheduler sees and chooses."""

from __future__ import annotations

import numpy as np
import pytest
from scheduler_toys import action_for, constant_scheduler

from dp_accel_ros.chunk import ActionChunk, Cost
from dp_accel_ros.errors import NotFiniteError, ShapeError, UnknownNameError
from dp_accel_ros.nodes.decision import with_settings
from dp_accel_ros.predict.methods import TsdpConfig
from dp_accel_ros.predict.policy import Prediction
from dp_accel_ros.predict.speculation.closed_form import PRIOR
from dp_accel_ros.predict.speculation.scheduling.choices import (
    DRAFT_LENGTHS,
    output_names,
    plan_from,
)
from dp_accel_ros.predict.speculation.scheduling.ppo_scheduler import planned, settings_under
from dp_accel_ros.predict.speculation.scheduling.view import (
    LIMIT,
    LastChunk,
    SchedulerView,
    stage_acceptance,
)
from dp_accel_ros.speculation_facts import SpeculationFacts

S = 1_000_000_000


def facts(kept_share=(1.0, 0.5, 0.0), tested_share=1.0) -> SpeculationFacts:
    """Return facts of 100 steps; a stage has 33, 33 and 34."""
    kept, gaps = np.zeros(100, bool), np.full(100, np.nan, np.float32)
    for (start, end), share in zip(((0, 33), (33, 66), (66, 100)), kept_share, strict=True):
        gaps[start : start + round(tested_share * (end - start))] = 0.1
        kept[start : start + round(share * (end - start))] = True
    levels = np.arange(99, -1, -1)
    return SpeculationFacts(
        drafter="frozen",
        rounds=20,
        rows=150,
        drafts=130,
        levels=levels,
        lengths=np.full(100, 10),
        gaps=gaps,
        kept=kept & ~np.isnan(gaps),
        bias_budget=0.0,
        outlook=np.ones(100),
    )


@pytest.fixture(scope="module")
def manifest(tiny_bundle):
    return tiny_bundle.manifest


@pytest.fixture(scope="module")
def view(manifest):
    return SchedulerView.of(manifest, episode_s=2.0)


def last_chunk(manifest, stamp_ns=0, acceptance=(0.9, 0.8, 0.7)) -> LastChunk:
    """Return a chunk whose finger opens steadily, with what is known of it."""
    n_joints = len(manifest.joints)
    actions = np.zeros((15, n_joints), np.float32)
    actions[:, -1] = 0.001 * np.arange(15)
    features = np.arange(manifest.encoder.feature_dim, dtype=np.float32) / 10
    return LastChunk(ActionChunk(actions, stamp_ns, 0.04), features, acceptance, 0.2, 1.5)


def parts(view, vector):
    """Return a vector's parts by name."""
    ends = np.cumsum(list(view.inputs.values()))
    return dict(zip(view.inputs, np.split(vector, ends[:-1]), strict=True))


@pytest.mark.parametrize("index", range(len(DRAFT_LENGTHS)))
def test_every_draft_length_can_be_chosen_in_every_stage(index: int):
    action = np.array([action_for(index), action_for(0), action_for(10)])
    assert plan_from(action, "exact").draft_length == (DRAFT_LENGTHS[index], 1, 40)


def test_knobs_that_a_rule_has_no_use_for_stay_neutral():
    plan = plan_from(np.full(3, 1.0), "exact")
    assert (plan.sigma_scale, plan.threshold) == ((1.0,) * 3, (1.0,) * 3)
    assert len(output_names("exact")) == 3
    assert len(output_names("threshold")) == 9


def test_scales_and_thresholds_lie_between_their_ends():
    plan = plan_from(np.array([0, 0, 0, -1, 0, 1, -1, 0, 1.0]), "threshold")
    assert plan.sigma_scale == (1.0, 2.0, 3.0)
    assert plan.threshold == (0.1, 0.55, 1.0)


def test_what_lies_past_an_end_is_that_end():
    assert plan_from(np.array([-7.0, 7.0, 7.0]), "exact").draft_length == (1, 40, 40)


def test_numbers_that_are_no_choice_are_refused():
    with pytest.raises(ShapeError, match=r"scheduler action: expected \(3,\), got \(4,\)"):
        plan_from(np.zeros(4), "exact")
    with pytest.raises(NotFiniteError, match="got 1 of 3 NaN"):
        plan_from(np.array([0.0, np.nan, 0.0]), "exact")
    with pytest.raises(UnknownNameError, match="no accept rule named 'greedy'"):
        output_names("greedy")


def test_each_part_is_where_the_layout_says(view, manifest):
    last = last_chunk(manifest, stamp_ns=S)
    high = np.array(manifest.normalization.joints.maximum)
    seen = parts(view, view.vector(high, S + 320_000_000, S, last))
    np.testing.assert_allclose(seen["features"], last.features)
    np.testing.assert_allclose(seen["joints"], 1.0, atol=1e-6)
    np.testing.assert_allclose(seen["progress"], 0.16)
    np.testing.assert_allclose(seen["acceptance"], [0.9, 0.8, 0.7])
    assert (*seen["rounds"], *seen["rows"], *seen["known"]) == pytest.approx((0.2, 1.5, 1.0))


def test_the_action_is_the_one_that_is_due_now_and_the_course_leads_to_the_last(view, manifest):
    last = last_chunk(manifest)
    raw = view.actions.normalize(last.chunk.actions)
    for elapsed, index in ((-1, 0), (0, 0), (8, 8), (14, 14), (99, 14)):
        seen = parts(view, view.vector(np.zeros(8), elapsed * 40_000_000, 0, last))
        np.testing.assert_allclose(seen["action"], raw[index])
        np.testing.assert_allclose(seen["course"], raw[14] - raw[index], atol=1e-6)


def test_without_a_last_chunk_all_that_comes_from_it_is_zero(view):
    seen = parts(view, view.vector(np.full(8, 0.01), 0, 0, None))
    assert seen.pop("joints").any()
    assert not any(part.any() for part in seen.values())


def test_a_stage_without_a_test_stands_at_what_is_assumed(view, manifest):
    last = last_chunk(manifest, acceptance=(0.9, float("nan"), 0.7))
    seen = parts(view, view.vector(np.zeros(8), 0, 0, last))
    np.testing.assert_allclose(seen["acceptance"], [0.9, PRIOR, 0.7])


def test_wild_numbers_are_cut(view):
    vector = view.vector(np.full(8, 1e6), 0, 0, None)
    assert np.abs(vector).max() == LIMIT


def test_features_of_another_policy_are_refused(view, manifest):
    last = last_chunk(manifest)
    other = LastChunk(last.chunk, np.zeros(3, np.float32), last.acceptance, 0.2, 1.5)
    with pytest.raises(ShapeError, match="scheduler input"):
        view.vector(np.zeros(8), 0, 0, other)


def test_acceptance_is_counted_stage_by_stage():
    assert stage_acceptance(facts(), 100) == pytest.approx((1.0, 16 / 33, 0.0))
    untested = stage_acceptance(facts(tested_share=0.0), 100)
    assert np.isnan(untested).all()


def test_a_prediction_tells_what_the_next_decision_needs():
    chunk = ActionChunk(np.zeros((15, 2), np.float32), 7, 0.04)
    condition = np.arange(6, dtype=np.float32).reshape(2, 3)
    cost = Cost("tsdp", 150, speculation=facts())
    last = LastChunk.of(Prediction(chunk, cost, np.zeros((16, 2)), condition), 100)
    assert last is not None
    assert last.features.tolist() == [3.0, 4.0, 5.0]
    assert (last.rounds, last.rows) == (0.2, 1.5)


def test_a_method_that_does_not_speculate_tells_nothing():
    chunk = ActionChunk(np.zeros((15, 2), np.float32), 7, 0.04)
    assert LastChunk.of(Prediction(chunk, Cost("ddpm", 100), np.zeros((16, 2))), 100) is None


def test_a_decision_in_words_means_the_same_plan_on_the_other_side():
    base = TsdpConfig(accept="threshold", drafter="frozen", guard=5, bonus=False)
    plan = plan_from(np.random.default_rng(0).uniform(-1, 1, 9), "threshold")
    heard = with_settings(TsdpConfig(), settings_under(base, plan))
    assert heard == planned(base, plan)
    assert heard.draft_plan == plan


def test_a_constant_actor_gives_a_constant_plan(manifest):
    scheduler = constant_scheduler(manifest, (action_for(5),) * 3)
    plans = {
        scheduler.plan(np.zeros(8), now, 0, last)
        for now, last in ((0, None), (S, last_chunk(manifest)))
    }
    assert [plan.draft_length for plan in plans] == [(10, 10, 10)]
