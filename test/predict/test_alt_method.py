# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""ALT: whose chunk it replays, when it stays with it and when it says that it does not know."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from toy_networks import noise

from dp_accel_ros.bundle import StoreArrays
from dp_accel_ros.errors import ConfigError
from dp_accel_ros.observe.normalizer import Normalizer
from dp_accel_ros.predict.methods import Alt, AltConfig, Previous
from dp_accel_ros.predict.retrieval import NumpyIndex, RetrievalStore
from dp_accel_ros.predict.stages import StageTimes

N_ROWS = 60
ACTIONS = np.tanh(noise(N_ROWS, 4, seed=5))
UNIT = Normalizer.between(np.full(4, -1.0), np.full(4, 1.0))


def _unit_rows(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


KEYS = _unit_rows(noise(N_ROWS, 16))


def _alt(threshold=0.5, margin=0.0, keys=KEYS, ends=(20, N_ROWS), n=3, choice="best") -> Alt:
    arrays = StoreArrays(ACTIONS, np.array(ends), KEYS, keys)
    store = RetrievalStore.build(
        arrays, action_normalizer=UNIT, index=NumpyIndex, horizon=8, n_obs_steps=2
    )
    return Alt(store, threshold, margin, n, choice)


def _act(method: Alt, queries: np.ndarray, previous: Previous | None = None):
    before = [previous] * len(queries)
    return method.act(queries, np.random.default_rng(0), before, StageTimes())


def _after(episode: int, frame: int, elapsed_steps: int) -> Previous:
    return Previous(elapsed_steps, np.zeros((8, 4), np.float32), (episode, frame))


def test_a_stored_frame_finds_itself_with_similarity_1():
    costs = _act(_alt(threshold=0.999_99), KEYS).costs
    assert [_alt().store.row(*cost.match) for cost in costs] == list(range(N_ROWS))
    assert not any(cost.ood for cost in costs)


def test_the_chunk_is_the_slice_of_the_matched_demonstration():
    chunk = _act(_alt(), KEYS[30:31]).actions[0]
    np.testing.assert_allclose(chunk, ACTIONS[29:37], atol=1e-6)


def test_the_chunk_holds_the_last_action_at_the_end_of_the_demonstration():
    chunk = _act(_alt(), KEYS[18:19]).actions[0]
    np.testing.assert_allclose(chunk[2:], np.repeat(ACTIONS[19:20], 6, axis=0), atol=1e-6)


def test_the_match_is_the_most_similar_by_cosine():
    queries = _unit_rows(noise(200, 16, seed=9))
    expected = (queries @ KEYS.T).argmax(axis=1)
    rows = [_alt().store.row(*cost.match) for cost in _act(_alt(), queries).costs]
    np.testing.assert_array_equal(rows, expected)


def test_nothing_is_denoised():
    assert _act(_alt(), KEYS[:1]).costs[0].nfe == 0


def test_an_unlike_observation_is_flagged_and_still_answered():
    query = _unit_rows(noise(1, 16, seed=9))
    similarity = float((query @ KEYS.T).max())
    proposal = _act(_alt(threshold=similarity + 0.01), query)
    assert proposal.costs[0].ood
    assert proposal.actions.shape == (1, 8, 4)


def test_an_observation_like_enough_is_not_flagged():
    query = _unit_rows(noise(1, 16, seed=9))
    assert not _act(_alt(threshold=float((query @ KEYS.T).max()) - 0.01), query).costs[0].ood


def test_the_same_observation_gives_the_same_chunk():
    query = _unit_rows(noise(1, 16, seed=9))
    first, second = _act(_alt(), query), _act(_alt(), query)
    np.testing.assert_array_equal(first.actions, second.actions)


def _two_alike_demonstrations(gap: float) -> tuple[np.ndarray, np.ndarray]:
    """Return keys where rows 5 and 40 are alike, and a query that prefers 40 by `gap`."""
    rows = np.eye(N_ROWS, dtype=np.float32)
    query = (1 - gap) * rows[5] + rows[40]
    return rows, _unit_rows(query[None])


def test_the_demonstration_is_kept_when_another_is_better_by_less_than_the_margin():
    keys, query = _two_alike_demonstrations(gap=0.05)
    proposal = _act(_alt(margin=0.1, keys=keys), query, _after(0, 2, elapsed_steps=3))
    assert proposal.costs[0].match == (0, 5)


def test_the_demonstration_is_left_when_another_is_better_by_more_than_the_margin():
    keys, query = _two_alike_demonstrations(gap=0.5)
    proposal = _act(_alt(margin=0.1, keys=keys), query, _after(0, 2, elapsed_steps=3))
    assert proposal.costs[0].match == (1, 20)


def test_noise_below_the_margin_does_not_flip_between_demonstrations():
    keys, query = _two_alike_demonstrations(gap=0.0)
    for seed in range(50):
        noisy = _unit_rows(query + 0.02 * noise(1, N_ROWS, seed=seed))
        match = (
            _act(_alt(margin=0.1, keys=keys), noisy, _after(0, 1, elapsed_steps=4)).costs[0].match
        )
        assert match == (0, 5)


def test_an_advanced_match_stops_at_the_end_of_its_demonstration():
    keys = np.eye(N_ROWS, dtype=np.float32)
    proposal = _act(_alt(margin=2.0, keys=keys), keys[40:41], _after(0, 15, elapsed_steps=50))
    assert proposal.costs[0].match == (0, 19)


@pytest.mark.parametrize("frame", [3, 5])
def test_a_demonstration_goes_on_where_the_observation_still_matches_a_frame_already_replayed(
    frame: int,
):
    keys = np.eye(N_ROWS, dtype=np.float32)
    # far more similar than the margin asks for, and yet no reason to wait here for ever
    proposal = _act(_alt(keys=keys), keys[frame : frame + 1], _after(0, 5, elapsed_steps=8))
    assert proposal.costs[0].match == (0, 13)


def test_the_same_demonstration_may_skip_ahead():
    keys = np.eye(N_ROWS, dtype=np.float32)
    proposal = _act(_alt(keys=keys), keys[7:8], _after(0, 5, elapsed_steps=8))
    assert proposal.costs[0].match == (0, 7)


def test_the_first_chunk_of_an_episode_has_nothing_to_keep():
    assert _act(_alt(margin=2.0), KEYS[7:8], None).costs[0].match == (0, 7)


@pytest.mark.parametrize("margin", [0.0, 2.0])
def test_the_reported_distance_is_that_of_the_nearest_key(margin: float):
    keys, query = _two_alike_demonstrations(gap=0.05)
    cost = _act(_alt(margin=margin, keys=keys), query, _after(0, 2, elapsed_steps=3)).costs[0]
    expected = np.linalg.norm(keys - query, axis=1).min()
    assert cost.retrieval_distance == pytest.approx(float(expected), rel=1e-5)


FIVE = (12, 24, 36, 48, N_ROWS)


def _best_of_each(query: np.ndarray) -> list[tuple[float, tuple[int, int]]]:
    """Return similarity and match of the best frame of each of five episodes, best first."""
    parts = np.split((query @ KEYS.T)[0], FIVE[:-1])
    best = [(float(part.max()), (e, int(part.argmax()))) for e, part in enumerate(parts)]
    return sorted(best, reverse=True)


@pytest.mark.parametrize("n", [1, 3, 5])
def test_candidates_are_the_best_frames_of_the_most_similar_demonstrations(n: int):
    query = _unit_rows(noise(1, 16, seed=11))
    cost = _act(_alt(ends=FIVE, n=n), query).costs[0]
    expected = _best_of_each(query)[:n]
    assert [one.match for one in cost.candidates] == [match for _, match in expected]
    assert [one.similarity for one in cost.candidates] == pytest.approx([s for s, _ in expected])
    assert cost.match == expected[0][1]


def test_there_are_no_more_candidates_than_demonstrations():
    assert len(_act(_alt(n=7), KEYS[:1]).costs[0].candidates) == 2


def test_candidates_are_found_behind_many_frames_of_one_demonstration():
    """A long episode whose 300 frames all are nearer than any frame of the other two."""
    rng = np.random.default_rng(0)
    keys = np.zeros((304, 16))
    keys[:300, 0], keys[300:, 1] = 1.0, 1.0
    keys = _unit_rows(keys + 0.01 * rng.normal(size=keys.shape)).astype(np.float32)
    arrays = StoreArrays(np.zeros((304, 4), np.float32), np.array([300, 302, 304]), keys, keys)
    store = RetrievalStore.build(
        arrays, action_normalizer=UNIT, index=NumpyIndex, horizon=8, n_obs_steps=2
    )
    query = np.eye(1, 16, dtype=np.float32)
    candidates = _act(Alt(store, 0.5, 0.0), query).costs[0].candidates
    assert {one.match[0] for one in candidates} == {0, 1, 2}


def test_drawing_takes_every_candidate_equally_often():
    query = np.repeat(_unit_rows(noise(1, 16, seed=11)), 3000, axis=0)
    costs = _act(_alt(threshold=-1.0, ends=FIVE, choice="draw"), query).costs
    counts = np.unique([cost.match for cost in costs], axis=0, return_counts=True)[1]
    assert len(counts) == 3
    assert stats.chisquare(counts).pvalue > 0.001


def test_drawing_leaves_out_candidates_below_the_threshold():
    query = _unit_rows(noise(1, 16, seed=11))
    (first, _), (second, _), *_ = _best_of_each(query)
    method = _alt(threshold=(first + second) / 2, ends=FIVE, choice="draw")
    costs = _act(method, np.repeat(query, 50, axis=0)).costs
    assert {cost.match for cost in costs} == {_best_of_each(query)[0][1]}


def test_drawing_out_of_distribution_takes_the_best():
    query = _unit_rows(noise(1, 16, seed=11))
    costs = _act(
        _alt(threshold=0.99, ends=FIVE, choice="draw"), np.repeat(query, 50, axis=0)
    ).costs
    assert {cost.match for cost in costs} == {_best_of_each(query)[0][1]}
    assert all(cost.ood for cost in costs)


def test_a_drawn_demonstration_is_kept():
    query = _unit_rows(noise(1, 16, seed=11))
    third = _best_of_each(query)[2]
    method = _alt(threshold=-1.0, margin=2.0, ends=FIVE, choice="draw")
    costs = _act(method, np.repeat(query, 50, axis=0), _after(*third[1], elapsed_steps=0)).costs
    assert {cost.match for cost in costs} == {third[1]}


def test_the_best_candidate_draws_nothing_from_the_generator():
    rng, untouched = np.random.default_rng(2), np.random.default_rng(2)
    _alt().act(KEYS[:3], rng, [None] * 3, StageTimes())
    assert rng.bit_generator.state == untouched.bit_generator.state


def test_a_threshold_and_a_rate_together_are_refused():
    with pytest.raises(ConfigError, match="give `threshold` or `false_alarm_rate`, not both"):
        AltConfig(threshold=0.7, false_alarm_rate=0.05)
