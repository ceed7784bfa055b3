# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Rounds, acceptance and mode weights on a mixture of four modes, against known numbers."""

from __future__ import annotations

import numpy as np
import pytest
from drafting import FROZEN, base_chunks, opened_with, sampled
from gmm_policy import Mixture, run, speculation
from same_law import complaints, mode_p, variation

# Rounds for 100 steps by numbers in a chunk. Means of modes are random, so a few percent are open.
ROUNDS = [
    ("fresh", 5, False, {2: 23.4, 20: 25.0, 100: 26.5}),
    ("fresh", 10, False, {2: 14.5, 20: 16.5, 100: 18.2}),
    ("fresh", 20, False, {2: 10.8, 20: 12.8, 100: 14.8}),
    ("fresh", 40, False, {2: 9.5, 20: 11.7, 100: 13.8}),
    ("frozen", 20, True, {2: 8.2, 20: 9.6, 100: 11.4}),
]


@pytest.mark.parametrize(("maker", "draft_length", "bonus", "rounds"), ROUNDS)
def test_rounds_are_the_known_ones(maker, draft_length, bonus, rounds):
    sizes = {2: 500, 20: 200, 100: 100}
    found = (sampled(size, maker, draft_length, sizes[size], bonus=bonus)[1] for size in rounds)
    means = [float(chains.rounds.mean()) for chains in found]
    assert means[0] == pytest.approx(rounds[2], abs=0.55)
    assert means == pytest.approx(list(rounds.values()), rel=0.08)
    assert means == sorted(means)


# Rule, its knob, rounds, acceptance, and what becomes of the weights .4, .3, .2, .1 when the
# drafter knows the modes well but not how likely each is.
RULES_OF_THE_TOY = [
    ("exact", {}, 7.1, 0.974, (0.39, 0.30, 0.21, 0.10)),
    ("tempered", {"sigma_scale": 1.5}, 6.1, 0.987, (0.34, 0.27, 0.23, 0.17)),
    ("threshold", {"threshold": 0.9}, 9.4, 0.949, (0.60, 0.31, 0.09, 0.00)),
    ("threshold", {"threshold": 0.5}, 5.4, 0.996, (0.25, 0.25, 0.26, 0.24)),
    ("threshold", {"threshold": 0.1}, 5.0, 1.000, (0.25, 0.25, 0.25, 0.25)),
]


@pytest.mark.parametrize(("accept", "knob", "rounds", "acceptance", "weights"), RULES_OF_THE_TOY)
def test_each_rule_does_to_the_modes_what_is_known(accept, knob, rounds, acceptance, weights):
    mixture, chains = sampled(20, "network", 20, 1000, accept, **knob)
    tested = np.isfinite(chains.gaps)
    assert chains.rounds.mean() == pytest.approx(rounds, abs=0.5)
    assert chains.accepted[tested].mean() == pytest.approx(acceptance, abs=0.006)
    np.testing.assert_allclose(mixture.mode_weights(chains.x), weights, atol=0.05)


@pytest.mark.parametrize("accept", ["tempered", "threshold"])
def test_the_bias_budget_is_at_least_what_the_chain_strays(accept: str):
    knob = {"tempered": {"sigma_scale": 1.2}, "threshold": {"threshold": 0.9}}[accept]
    mixture, chains = sampled(2, "network", 20, 2000, accept, **knob)
    made, tested = speculation(FROZEN, accept, **knob), np.isfinite(chains.gaps)
    gaps = np.where(tested, chains.gaps, 0.0)
    budget = (made.rule.bias(gaps, made.settings) * tested).sum(axis=1).mean()
    chunks, base = chains.x.reshape(-1, 2), base_chunks(2, 2000, 11)
    chance = variation(mixture.base_run(2000, 12), base)
    assert chance + 0.02 < variation(chunks, base) <= budget + chance


def test_tempering_takes_fewer_rounds_than_the_exact_rule():
    exact, tempered = (
        sampled(20, "network", 40, 300, accept, sigma_scale=2.0)[1].rounds.mean()
        for accept in ("exact", "tempered")
    )
    assert tempered < exact - 0.5


TWO = Mixture(np.stack([np.full(20, -0.4), np.full(20, 0.4)]), weights=(0.6, 0.4))


@pytest.mark.parametrize("guessed", [0, 1])
def test_a_chunk_of_one_mode_opens_a_chain_that_keeps_both(guessed: int):
    drafter = opened_with(Mixture(TWO.means[[guessed, 1 - guessed]]))
    opening = drafter.opening(np.zeros((1000, 1, 1), np.float32), [None] * 1000)
    chains = run(speculation(drafter, bonus=False), TWO, 20, 1000, opening=opening)
    chunks, base = chains.x.reshape(1000, -1), TWO.base_run(1000, 11)
    assert not complaints(chunks, base)
    assert mode_p(TWO.modes(chunks), TWO.modes(base)) > 0.001
    assert TWO.mode_weights(chunks)[0] == pytest.approx(0.6, abs=0.05)
    assert chains.rounds.mean() == pytest.approx(9.2, abs=0.5)
