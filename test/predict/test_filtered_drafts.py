# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Drafts that follow their noise as a Kalman filter would, and the spread that tells them how far."""

from __future__ import annotations

import numpy as np
import pytest
from gmm_policy import TABLE, Mixture, run, speculation
from same_law import complaints
from tiny_bundle import observation_at

from dp_accel_ros.predict.assemble import load_policy, make_method
from dp_accel_ros.predict.methods import TsdpConfig
from dp_accel_ros.predict.retrieval.spread import Spread, spread_of
from dp_accel_ros.predict.speculation.drafters import Filtered, Recalled
from dp_accel_ros.predict.speculation.drafters.openings import no_opening

SIZE, STD = 20, 0.2
GAUSSIAN = Mixture(Mixture.of_size(SIZE).means[:1], (1.0,), STD)


def filtered(variance: float) -> Filtered:
    """Return the drafter for chunks of 20 numbers that vary alike; their axes must not matter."""
    axes, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(SIZE, SIZE)))
    spread = Spread(axes.astype(np.float32), np.full(SIZE, variance, np.float32))
    return Filtered("filtered", no_opening, spread, clip=False)


def _acceptance(chains) -> float:
    return chains.accepted.sum() / np.isfinite(chains.gaps).sum()


@pytest.mark.parametrize(
    ("draft_length", "variance"), [(1, 0.01), (20, 0.01), (150, 0.01), (20, 1.0)]
)
def test_the_law_is_the_base_samplers_whatever_the_spread_gets_wrong(draft_length, variance):
    mixture = Mixture.of_size(SIZE)
    chains = run(speculation(filtered(variance)), mixture, draft_length, 400)
    assert 0.05 < _acceptance(chains) < 1.0
    assert not complaints(chains.x.reshape(400, -1), mixture.base_run(400, 11))


def test_a_gaussian_policy_is_foretold_from_one_answer():
    chains = run(speculation(filtered(STD**2)), GAUSSIAN, 24, 30)
    frozen = run(speculation(filtered(0.0)), GAUSSIAN, 24, 30)
    assert _acceptance(frozen) < 0.97
    # rounding alone lets the odd draft fail
    assert _acceptance(chains) > 0.999
    assert chains.rounds.max() <= 6


def test_without_spread_the_answers_alone_are_drafted_with():
    pair = filtered(0.0), Recalled("recalled", no_opening)
    chains = [run(speculation(drafter), GAUSSIAN, 24, 20) for drafter in pair]
    np.testing.assert_allclose(chains[0].x, chains[1].x, atol=1e-4)
    np.testing.assert_array_equal(chains[0].rounds, chains[1].rounds)


def test_the_gain_is_the_inverse_of_both_precisions():
    rng = np.random.default_rng(0)
    differences = rng.normal(size=(500, 4)) @ rng.normal(size=(4, 4))
    spread, surprise = Spread.of_pairs(differences), rng.normal(size=(3, 4))
    snr = np.array([[0.0], [0.5], [40.0]])
    covariance = differences.T @ differences / 1000
    expected = [
        np.linalg.solve(np.linalg.inv(covariance) + s * np.eye(4), row)
        for s, row in zip(snr.ravel(), surprise, strict=True)
    ]
    np.testing.assert_allclose(spread.gained(surprise, snr), expected, rtol=1e-3, atol=1e-5)


def test_the_steps_know_how_much_of_the_signal_they_see():
    # 1.1: the root of the ratio at levels 95 and 50
    np.testing.assert_allclose(np.sqrt(TABLE.snr[[4, 49]]), [0.062, 0.957], atol=6e-4)
    np.testing.assert_allclose(np.diff(TABLE.snr), TABLE.rise[:-1] ** 2, rtol=1e-3)


def test_the_spread_is_that_of_chunks_whose_frames_look_alike_in_other_episodes():
    rng = np.random.default_rng(0)
    places = np.tile(np.arange(400.0), 2)[:, None].astype(np.float32)
    chunks = places[:, :, None] + rng.normal(0, [1.0, 3.0], (800, 1, 2))
    spread = spread_of(places, np.array([400, 800]), lambda rows: chunks[rows])
    np.testing.assert_allclose(spread.variances, [1.0, 9.0], rtol=0.15)
    np.testing.assert_allclose(np.abs(spread.axes), np.eye(2), atol=0.1)


def test_one_episode_alone_tells_of_no_spread():
    keys = np.zeros((5, 3), np.float32)
    spread = spread_of(keys, np.array([5]), lambda rows: np.ones((len(rows), 4, 2)))
    np.testing.assert_array_equal(spread.variances, np.zeros(8))


def test_a_policy_drafts_with_the_spread_of_its_own_store(tiny_bundle):
    policy = load_policy(tiny_bundle)
    assert policy.store is not None
    assert policy.store.spread.variances.max() > 0.0
    method = make_method("tsdp", policy, TsdpConfig(drafter="filtered", lengths="fixed"))
    made = policy.predict(observation_at(tiny_bundle, 10), method, np.random.default_rng(0))
    assert made.cost.speculation is not None
    assert made.cost.speculation.rounds < 100
    assert made.cost.exactness.startswith("exact")
