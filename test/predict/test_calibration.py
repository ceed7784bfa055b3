# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What the demonstrations say of each other: held-out neighbours, distances and false alarms."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.retrieval.conformal import conformal_threshold
from dp_accel_ros.predict.retrieval.distance_curve import DistanceCurve
from dp_accel_ros.predict.retrieval.held_out import nearest_elsewhere

N_EPISODES, LENGTH, DIM = 60, 12, 16
ENDS = np.arange(1, N_EPISODES + 1) * LENGTH


def _episodes(n: int, seed: int, spread: float = 0.6, offset: float = 0.0) -> np.ndarray:
    """Return embeddings (n * LENGTH, DIM): a path that all share, and how each differs from it."""
    rng = np.random.default_rng(seed)
    phase = np.linspace(0, np.pi, LENGTH)[:, None] * np.arange(1, DIM + 1)
    wobble = rng.normal(size=(n, 1, DIM)) * rng.exponential(spread, (n, 1, 1))
    rows = np.cos(phase) + wobble + 0.05 * rng.normal(size=(n, LENGTH, DIM)) + offset
    rows = rows.reshape(-1, DIM)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def _similarities(keys: np.ndarray, ends: np.ndarray = ENDS) -> np.ndarray:
    return 1.0 - nearest_elsewhere(keys, ends).distances[:, 0].astype(float) ** 2 / 2.0


def test_neighbours_are_never_of_the_same_episode():
    keys = np.array([[0], [1], [2], [3], [0.1], [1.2], [2.3], [9]], dtype=np.float32)
    found = nearest_elsewhere(keys, np.array([4, 8]), k=2)
    assert found.rows[:4].tolist() == [[4, 5], [5, 4], [6, 5], [6, 5]]
    np.testing.assert_allclose(found.distances[0], [0.1, 1.2], rtol=1e-6)


def test_neighbours_equal_a_search_through_everything():
    keys = _episodes(12, seed=3)
    ends = ENDS[:12]
    gaps = np.linalg.norm(keys[:, None].astype(float) - keys, axis=2)
    episode = np.repeat(np.arange(12), LENGTH)
    gaps[episode[:, None] == episode] = np.inf
    found = nearest_elsewhere(keys, ends, k=5)
    np.testing.assert_allclose(found.distances, np.sort(gaps, axis=1)[:, :5], atol=1e-6)


def test_more_neighbours_than_other_episodes_have_are_refused():
    with pytest.raises(ConfigError, match=r"`k` must be between 1 and 3, .* got 4"):
        nearest_elsewhere(np.zeros((8, 1), np.float32), np.array([5, 8]), k=4)


@cache
def _trials() -> list[tuple[np.ndarray, np.ndarray]]:
    """Return similarities of demonstrations to each other, and of as new episodes to them."""
    trials = []
    for seed in range(40):
        keys = _episodes(N_EPISODES, seed=seed)
        fresh = _episodes(40, seed=1000 + seed) @ keys.T
        trials.append((_similarities(keys), fresh.max(axis=1)))
    return trials


@pytest.mark.parametrize("rate", [0.02, 0.05, 0.2])
def test_held_out_episodes_raise_no_more_false_alarms_than_promised(rate: float):
    shares = [
        (fresh < conformal_threshold(similarities, ENDS, rate)).mean()
        for similarities, fresh in _trials()
    ]
    standard_error = np.std(shares, ddof=1) / len(shares) ** 0.5
    assert np.mean(shares) <= rate + 3 * standard_error
    # Nor is it kept by flagging nothing: what a promise may cost is one episode's worth of rate.
    assert np.mean(shares) >= rate - 2 / (N_EPISODES + 1) - 3 * standard_error


def test_inputs_from_elsewhere_are_told_apart():
    keys = _episodes(N_EPISODES, seed=0)
    near = (_episodes(40, seed=1) @ keys.T).max(axis=1)
    far = (_episodes(40, seed=2, offset=-8.0) @ keys.T).max(axis=1)
    auroc = (near[:, None] > far[None]).mean()
    assert auroc > 0.97
    assert (far < conformal_threshold(_similarities(keys), ENDS, 0.05)).mean() > 0.95


def test_the_least_rate_puts_the_threshold_on_the_lowest_similarity():
    similarities = np.linspace(0.5, 0.9, N_EPISODES * LENGTH)
    assert conformal_threshold(similarities, ENDS, 1 / 61) == 0.5


def test_a_higher_rate_gives_a_threshold_at_least_as_high():
    similarities = _similarities(_episodes(N_EPISODES, seed=0))
    found = [conformal_threshold(similarities, ENDS, rate) for rate in np.linspace(0.02, 0.9, 40)]
    assert (np.diff(found) >= 0).all()
    assert found[-1] > found[0]


def test_long_episodes_do_not_count_more_than_short_ones():
    similarities = np.array([0.1] * 2 + [0.9] * 100)  # one short bad episode, one long good one
    assert conformal_threshold(similarities, np.array([2, 102]), 1 / 3 + 1 / 6) == 0.1
    assert conformal_threshold(similarities, np.array([2, 102]), 1 / 3 + 1 / 3) == 0.9


def test_a_promise_that_so_few_episodes_cannot_keep_is_refused():
    with pytest.raises(ConfigError, match=r"at least 0.01639, which is 1 / \(60 episodes \+ 1\)"):
        conformal_threshold(np.ones(N_EPISODES * LENGTH), ENDS, 0.005)


def test_the_curve_is_the_mean_in_each_bin_where_means_rise():
    rng = np.random.default_rng(0)
    key = rng.uniform(0, 1, 40_000)
    curve = DistanceCurve.fit(key, 1 + 2 * key + rng.normal(0, 0.5, key.size))
    probes = np.linspace(0.02, 0.98, 50)
    np.testing.assert_allclose(curve.at(probes), 1 + 2 * probes, atol=0.08)


def test_the_curve_never_falls_even_where_the_pairs_do():
    key = np.linspace(0, 1, 5000)
    chunk = np.sin(6 * key) + 2
    curve = DistanceCurve.fit(key, chunk)
    assert (np.diff(curve.chunk_distances) >= 0).all()
    assert (np.diff(curve.edges) > 0).all()
    # Pooling keeps the mean over all pairs.
    assert curve.at(key).mean() == pytest.approx(chunk.mean(), rel=1e-3)


def test_nothing_is_known_beyond_the_farthest_pair():
    curve = DistanceCurve.fit(np.array([0.1, 0.2, 0.4]), np.array([1.0, 2.0, 3.0]))
    assert curve.at(np.array([0.0, 0.4, 0.41])).tolist() == [1.0, 3.0, np.inf]


def test_pairs_of_one_key_distance_fall_into_one_bin():
    curve = DistanceCurve.fit(np.zeros(100), np.arange(100.0))
    assert len(curve.edges) == 1
    assert curve.at(np.zeros(1))[0] == pytest.approx(49.5, abs=50)
