# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""ReDi on a policy of two modes whose chunks, of 20 numbers, move with a condition of two."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from redi_policy import (
    QUERIES,
    SHAPE,
    act,
    base_of,
    conditions,
    errors,
    in_full,
    knowledge,
    redi,
    two_modes,
)
from scipy import stats
from toy_networks import CountingNetwork, noise

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.redi.trajectories import kept_states
from dp_accel_ros.predict.redi.weights import WEIGHTS
from dp_accel_ros.predict.stages import StageTimes


@pytest.mark.parametrize(("key_step", "value_step"), [(20, 80), (10, 80), (10, 20)])
def test_the_network_is_asked_k_plus_n_minus_v_times(key_step: int, value_step: int):
    network = CountingNetwork(two_modes)
    proposal = act(redi(network=network, key_step=key_step, value_step=value_step))
    expected = key_step + 100 - value_step
    assert len(network.times) == expected
    assert {cost.nfe for cost in proposal.costs} == {expected}


def test_a_condition_of_the_knowledge_base_gives_the_whole_run():
    known = knowledge().conditions[:20]
    proposal = act(redi(), known)
    np.testing.assert_allclose(proposal.actions, in_full(known), atol=1e-5)
    assert max(cost.retrieval_distance for cost in proposal.costs) < 1e-5


def test_half_precision_costs_a_condition_of_the_knowledge_base_little():
    made = knowledge()
    half = replace(made, states=made.states.astype(np.float16))
    known = made.conditions[:20]
    np.testing.assert_allclose(act(redi(half), known).actions, in_full(known), atol=1e-3)


def test_more_knowledge_is_better_where_the_noise_is_shared():
    """Golden: nearest keys of 50, 200, 800 are .036, .020, .009 away, the last chunk .005."""
    truth = in_full()
    keys, chunks = zip(*(errors(knowledge(size), truth) for size in (50, 200, 800)), strict=True)
    np.testing.assert_allclose(keys, [0.036, 0.020, 0.009], rtol=0.2)
    assert chunks[0] > chunks[1] > chunks[2]
    assert chunks[2] < 0.005


@pytest.mark.parametrize("size", [50, 200, 800])
def test_more_neighbours_are_better_until_they_span_the_condition(size: int):
    """The condition has two numbers: three neighbours reach every key, and so every value."""
    base, made = base_of(), knowledge(size)
    given, starts = base.denoiser.given(QUERIES), np.repeat(made.noise, len(QUERIES), axis=0)
    own = kept_states(base.sampler, given, starts, (20, 80))
    lookup, seeds = made.lookup(20, 80, 0.0), np.zeros(len(QUERIES), int)
    gaps = []
    for n in (1, 2, 4):
        found = lookup.mix(own[:, 0], QUERIES, seeds, n, WEIGHTS["ls"])
        gaps.append(np.linalg.norm((found.values - own[:, 1]).reshape(40, -1), axis=1).mean())
    assert 0.8 * gaps[0] > gaps[1] > 1000 * gaps[2]
    assert gaps[0] < 0.164  # golden, of a similar toy with 50 trajectories and the nearest alone


def test_mixed_neighbours_are_better_than_the_nearest():
    truth = in_full()
    one = errors(knowledge(50), truth)[1]
    four = errors(knowledge(50), truth, neighbours=4, weights="ls")[1]
    affine = errors(knowledge(50), truth, neighbours=4, weights="affine")[1]
    assert four < 0.001
    assert affine < 0.001
    assert one > 0.01


def test_from_another_noise_the_nearest_key_says_nothing():
    """What guards the shared noise: more knowledge does not help, the key is 3 or more away."""
    made, other = knowledge(800), noise(1, *SHAPE, seed=77)
    truth = in_full(start=other[0])
    method = redi(replace(made, noise=other))
    proposal = act(method)
    gaps = np.linalg.norm((proposal.actions - truth).reshape(40, -1), axis=1)
    small = act(redi(replace(knowledge(50), noise=other)))
    assert min(cost.retrieval_distance for cost in proposal.costs) > 3
    assert gaps.mean() > 0.2
    distances = [np.mean([c.retrieval_distance for c in p.costs]) for p in (small, proposal)]
    assert distances[1] > 0.95 * distances[0]


def test_a_rejected_look_up_gives_the_solvers_own_chunk_bit_for_bit():
    proposal = act(redi(reject_above=0.0))
    np.testing.assert_array_equal(proposal.actions, in_full())
    assert all(cost.rejected and cost.nfe == 100 for cost in proposal.costs)
    assert proposal.costs[0].exactness.startswith("rejected the look-up: approximate: ddim, 100")


def test_a_rejected_look_up_costs_the_network_no_step_twice():
    network = CountingNetwork(two_modes)
    act(redi(network=network, reject_above=0.0))
    assert [int(times[0]) for times in network.times] == list(range(99, -1, -1))


def test_each_row_is_rejected_on_its_own():
    known = knowledge().conditions[:4]
    mixed_batch = np.concatenate([known, conditions(4, 5) + 30])
    proposal = act(redi(reject_above=1e-3), mixed_batch)
    assert [cost.rejected for cost in proposal.costs] == [False] * 4 + [True] * 4
    assert [cost.nfe for cost in proposal.costs] == [40] * 4 + [100] * 4
    np.testing.assert_allclose(proposal.actions, in_full(mixed_batch), atol=2e-4)


def test_a_multistep_solver_starts_over_when_rejected():
    made = knowledge(50, "dpmpp_2m", n_steps=20, steps=(4, 16))
    network = CountingNetwork(two_modes)
    proposal = act(redi(made, network=network, reject_above=0.0))
    np.testing.assert_array_equal(proposal.actions, in_full(solver="dpmpp_2m", n_steps=20))
    assert proposal.costs[0].nfe == len(network.times) == 24


def test_a_multistep_solver_resumes_without_the_history_it_has_lost():
    made = knowledge(50, "dpmpp_2m", n_steps=20, steps=(4, 16))
    known = made.conditions[:5]
    base = base_of("dpmpp_2m", 20)
    resumed = base.sampler.last(4).sample(
        base.denoiser.given(known), made.states[0, :5, 1], np.random.default_rng(0)
    )
    np.testing.assert_allclose(act(redi(made), known).actions, resumed, atol=1e-5)


def test_heun_counts_both_its_evaluations():
    made = knowledge(20, "heun", n_steps=20, steps=(4, 16))
    network = CountingNetwork(two_modes)
    proposal = act(redi(made, network=network))
    assert proposal.costs[0].nfe == len(network.times) == 15


def test_every_noise_is_drawn_equally_often():
    made, known = knowledge(20, n_seeds=3), knowledge(20, n_seeds=3).conditions[:1]
    wholes = np.stack([in_full(known, start)[0] for start in made.noise])
    found = act(redi(made), np.repeat(known, 3000, axis=0)).actions
    which = np.abs(found[:, None] - wholes).max(axis=(2, 3)).argmin(axis=1)
    assert np.abs(found - wholes[which]).max() < 1e-4
    assert stats.chisquare(np.bincount(which, minlength=3)).pvalue > 0.001


def test_with_one_noise_nothing_is_drawn_from_the_generator():
    rng = np.random.default_rng(2)
    redi().act(QUERIES, rng, [None] * 40, StageTimes())
    assert rng.bit_generator.state == np.random.default_rng(2).bit_generator.state


def test_the_condition_is_part_of_the_key_by_its_weight():
    query = knowledge().conditions[:1] + np.float32([[0.03, 0.0]])
    distances = [
        act(redi(condition_weight=weight), query).costs[0].retrieval_distance
        for weight in (0.0, 1.0, 10.0)
    ]
    assert distances[0] < distances[1] < distances[2]


def test_until_the_value_step_hidden_features_make_no_difference():
    made = knowledge(20, seen=(True, False))
    elsewhere = QUERIES + np.float32([[0.0, 5.0]])
    network = CountingNetwork(two_modes)
    ours, other = (act(redi(made, network=network), c) for c in (QUERIES, elsewhere))
    keys = [[cost.retrieval_distance for cost in p.costs] for p in (ours, other)]
    assert keys[0] == keys[1]
    assert np.abs(ours.actions - other.actions).max() > 0.01


def test_a_hidden_feature_is_shown_as_its_mean():
    made = knowledge(20, seen=(True, False))
    shown = made.key_condition(QUERIES)
    np.testing.assert_array_equal(shown[..., 0], QUERIES[..., 0])
    np.testing.assert_allclose(shown[..., 1], made.conditions[..., 1].mean(), atol=1e-6)


def test_a_rejected_partial_key_starts_over_with_the_full_condition():
    made = knowledge(20, seen=(True, False))
    proposal = act(redi(made, reject_above=0.0))
    np.testing.assert_array_equal(proposal.actions, in_full())
    assert proposal.costs[0].nfe == 120


@pytest.mark.parametrize("solver", ["ddim", "dpmpp_2m", "heun"])
def test_kept_states_are_those_of_the_whole_run(solver: str):
    base, start = base_of(solver, 20), noise(2, *SHAPE)
    denoise = base.denoiser.given(QUERIES[:2])
    kept = kept_states(base.sampler, denoise, start, (3, 7, 19))
    for index, step in enumerate((3, 7, 19)):
        whole = base.sampler.first(step).sample(denoise, start, np.random.default_rng(0))
        np.testing.assert_array_equal(kept[:, index], whole)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"key_step": 30}, "`key_step` must be one of 10, 20, 80, the steps of .*, got 30"),
        ({"key_step": 80, "value_step": 20}, "`value_step` must be after `key_step` 80, got 20"),
        ({"neighbours": 64}, "`neighbours` must be at most 20, the conditions .*, got 64"),
        ({"weights": "median"}, "`weights` must be one of nn, ls, affine, simplex, got 'median'"),
    ],
)
def test_settings_that_the_knowledge_base_does_not_allow_are_refused(settings, match: str):
    with pytest.raises(ConfigError, match=match):
        redi(knowledge(20), **settings)


@pytest.mark.parametrize("steps", [(), (0, 5), (5, 5), (7, 3), (5, 20)])
def test_steps_that_the_solver_does_not_pass_cannot_be_kept(steps):
    base = base_of(n_steps=20)
    with pytest.raises(ConfigError, match="`steps` must rise within 1 to 19, got"):
        kept_states(base.sampler, base.denoiser.given(QUERIES[:1]), noise(1, *SHAPE), steps)


def test_the_bundles_threshold_is_that_of_the_key_step():
    assert redi(reject_above=-1.0).reject_above == 0.2
    assert redi(reject_above=-1.0, key_step=10).reject_above == 0.1
