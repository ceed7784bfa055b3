# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Whole chains made in rounds: their law, their counts and their edges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from gmm_policy import LEVELS, TABLE, Mixture, NetworkDrafter, lengths, run, speculation
from same_law import complaints, mode_p
from toy_networks import SCHEDULE, CountingNetwork, noise, smooth_network

from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.samplers import Ddpm
from dp_accel_ros.predict.speculation.drafters import (
    DRAFTERS,
    FrozenEstimate,
    Opening,
    Recalled,
    Window,
)
from dp_accel_ros.predict.speculation.drafters.frozen import path_with
from dp_accel_ros.predict.speculation.drafters.openings import no_opening
from dp_accel_ros.predict.speculation.draws import Draws
from dp_accel_ros.predict.speculation.target import Target

FROZEN, FRESH = (DRAFTERS[name](None, None) for name in ("frozen", "frozen_fresh"))
RECALLED = Recalled("recalled", no_opening)
MIXTURE = Mixture.of_size(2)


def _opened_with(mixture: Mixture, known: bool = True) -> FrozenEstimate:
    """Return a drafter that always guesses the first mode, as a retrieved chunk might."""
    chunk = mixture.means[0].astype(np.float32).reshape(mixture.chunk_shape)

    def source(condition, previous):
        return Opening(np.tile(chunk, (len(condition), 1, 1)), np.full(len(condition), known))

    return FrozenEstimate("opened", "estimate", source)


def _poor_network(mixture: Mixture) -> NetworkDrafter:
    """Return a drafter with means that are a little wrong and all modes equally likely."""
    off = np.random.default_rng(9).normal(scale=0.01, size=mixture.means.shape)
    return NetworkDrafter(Mixture(mixture.means + off, (0.25,) * 4).denoiser())


@dataclass(frozen=True)
class Peeking:
    """Leans on the noise of the very step that it drafts."""

    name: str = "peeking"
    needs: str = "estimate"

    def opening(self, condition, previous) -> None:
        """Make no guess."""

    def path(self, window: Window):
        return path_with(window, window.estimate[:, None] - 0.05 * window.noise[:, :-1])


MAKERS = {
    "frozen": lambda mixture: FROZEN,
    "fresh": lambda mixture: FRESH,
    "recalled": lambda mixture: RECALLED,
    "opened": _opened_with,
    "network": _poor_network,
}


@cache
def _base(size: int, n: int, seed: int) -> np.ndarray:
    return Mixture.of_size(size).base_run(n, seed)


def _problems(mixture: Mixture, chains) -> list[str]:
    """Return what speaks against the base sampler's law."""
    n = len(chains.x)
    chunks, base = chains.x.reshape(n, -1), _base(mixture.size, n, 11)
    found = complaints(chunks, base)
    if (p := mode_p(mixture.modes(chunks), mixture.modes(base))) < 0.001:
        found.append(f"mode weights {mixture.mode_weights(chunks)}, p = {p:.2g}")
    return found


def _sampled(size, maker, draft_length, n, accept="exact", seed=1, **options):
    mixture = Mixture.of_size(size)
    drafter = MAKERS[maker](mixture)
    opening = drafter.opening(np.zeros((n, 1, 1), np.float32), [None] * n)
    made = speculation(drafter, accept, **options)
    return mixture, run(made, mixture, draft_length, n, seed, opening)


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("draft_length", [1, 5, 20, 40, 150])
def test_the_law_of_a_chunk_is_the_base_samplers(maker: str, draft_length: int):
    assert not _problems(*_sampled(2, maker, draft_length, 2000))


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize(("size", "n"), [(20, 1000), (100, 400)])
def test_the_law_is_the_base_samplers_in_many_dimensions(maker: str, size: int, n: int):
    assert not _problems(*_sampled(size, maker, 20, n))


def test_the_law_is_the_base_samplers_without_the_bonus_step():
    assert not _problems(*_sampled(2, "frozen", 20, 2000, bonus=False))


def test_the_threshold_rule_with_lambda_1_fails_the_same_test():
    assert _problems(*_sampled(2, "network", 2, 1000, "threshold", threshold=1.0))


def test_a_drafter_that_knows_the_noise_of_its_step_fails_the_same_test():
    assert _problems(MIXTURE, run(speculation(Peeking()), MIXTURE, 20, 1000))


def test_the_threshold_rule_replaces_mode_weights_by_the_drafters():
    mixture, chains = _sampled(20, "network", 20, 1000, "threshold", threshold=0.5)
    np.testing.assert_allclose(mixture.mode_weights(chains.x), 0.25, atol=0.06)


def test_the_exact_rule_keeps_mode_weights_with_the_same_drafts():
    mixture, chains = _sampled(20, "network", 20, 1000)
    np.testing.assert_allclose(mixture.mode_weights(chains.x), mixture.weights, atol=0.05)


@pytest.mark.parametrize(
    ("maker", "draft_length", "bonus", "rounds"),
    [
        ("fresh", 10, False, 14.5),
        ("fresh", 20, False, 10.8),
        ("frozen", 20, True, 8.2),
    ],
)
def test_rounds_of_the_toy_are_the_known_ones(maker, draft_length, bonus, rounds):
    _, chains = _sampled(2, maker, draft_length, 500, bonus=bonus)
    assert chains.rounds.mean() == pytest.approx(rounds, abs=0.5)


def test_acceptance_is_what_the_gaps_predict():
    _, chains = _sampled(20, "frozen", 10, 500)
    tested = ~np.isnan(chains.gaps)
    predicted = speculation(FROZEN).rule.acceptance(chains.gaps[tested], None)
    error = np.sqrt((predicted * (1 - predicted)).sum()) / tested.sum()
    assert abs(chains.accepted[tested].mean() - predicted.mean()) < 4 * error


def _smooth_target(n: int) -> Target:
    return Target(Denoiser(smooth_network, SCHEDULE), np.zeros((n, 2, 3), np.float32))


def _sequential(target: Target, draws: Draws) -> np.ndarray:
    """Return the base sampler's chunks when it draws the same noise."""

    class Noise:
        def __init__(self) -> None:
            self.steps = iter(range(1, len(TABLE)))

        def standard_normal(self, shape, dtype):
            return draws.noise[:, next(self.steps)]

    denoise = target.denoiser.given(target.condition)
    return Ddpm(SCHEDULE, LEVELS).sample(denoise, draws.noise[:, 0], Noise())


@pytest.mark.parametrize("bonus", [True, False])
@pytest.mark.parametrize("draft_length", [0, 1, 7, 150])
def test_a_drafter_that_equals_the_target_gives_the_base_samplers_chunk(draft_length, bonus):
    target, draws = _smooth_target(3), Draws.drawn(np.random.default_rng(2), 3, 100, (4, 2))
    made = speculation(NetworkDrafter(target.denoiser), bonus=bonus)
    chains = made.sample(target, draws, lengths(draft_length, 3))
    assert chains.accepted.sum() == np.isfinite(chains.gaps).sum()
    np.testing.assert_array_equal(chains.x, _sequential(target, draws))


def test_the_sum_over_a_window_drafts_what_step_after_step_drafts():
    estimate = noise(3, 4, 2, seed=1)
    steps = np.array([[0], [40], [90]]) + np.arange(10)
    window = Window(TABLE, estimate, noise(3, 4, 2), steps, noise(3, 10, 4, 2, seed=2), estimate)
    one_by_one = NetworkDrafter(Denoiser(lambda x, t, cond: cond, SCHEDULE, "sample", clip=False))
    expected, got = one_by_one.path(window).states, FROZEN.path(window).states
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_useless_drafts_cost_rounds_but_neither_exactness_nor_termination():
    nonsense = Denoiser(lambda x, t, c: 0 * x + 5, SCHEDULE, "sample", clip=False)
    chains = run(speculation(NetworkDrafter(nonsense)), MIXTURE, 5, 2000)
    assert not _problems(MIXTURE, chains)
    assert 50 < chains.rounds.mean() <= chains.rounds.max() <= 100


@pytest.mark.parametrize("bonus", [True, False])
@pytest.mark.parametrize("draft_length", [1, 20, 150])
def test_the_last_state_is_the_targets_own_estimate(draft_length: int, bonus: bool):
    asked = []

    def network(x, t, cond):
        asked.append((t, MIXTURE(x, t, cond)))
        return asked[-1][1]

    chains = run(speculation(FROZEN, bonus=bonus), MIXTURE, draft_length, 1, network=network)
    times, answers = asked[-1]
    assert times[-1] == 0
    np.testing.assert_array_equal(chains.x[0], answers[-1])


@pytest.mark.parametrize("bonus", [True, False])
def test_every_step_is_made_once_and_the_last_one_never_drafted(bonus: bool):
    chains = run(speculation(FROZEN, bonus=bonus), MIXTURE, 150, 200)
    assert (chains.step == len(TABLE)).all()
    assert np.isnan(chains.gaps[:, -1]).all()
    assert not chains.accepted[:, -1].any()


def test_a_round_is_one_call_and_counts_every_state_in_it():
    network = CountingNetwork(MIXTURE)
    chains = run(speculation(FROZEN), MIXTURE, 20, 1, network=network)
    assert chains.rounds.tolist() == [len(network.times)]
    assert chains.rows.tolist() == [sum(map(len, network.times))]
    assert chains.drafts.sum() == chains.rows.sum() - chains.rounds.sum()


def test_a_batch_makes_one_call_for_all_rows_that_have_steps_left():
    network = CountingNetwork(MIXTURE)
    chains = run(speculation(FROZEN), MIXTURE, 20, 50, network=network)
    assert chains.rounds.max() == len(network.times)
    assert chains.rows.sum() == sum(map(len, network.times))
    assert chains.rounds.min() < chains.rounds.max()


def test_steps_made_are_drafts_kept_and_at_most_one_more_each_round():
    chains = run(speculation(FROZEN), MIXTURE, 20, 100)
    np.testing.assert_array_equal(chains.accepted.sum(axis=1) + chains.rounds, len(TABLE))


def test_rows_of_a_batch_equal_runs_of_their_own():
    generators = [np.random.default_rng([8, row]) for row in range(64)]
    each = [Draws.drawn(rng, 1, len(TABLE), MIXTURE.chunk_shape) for rng in generators]
    drawn, log_u = (np.concatenate(parts) for parts in zip(*map(_arrays, each), strict=True))
    condition = np.random.default_rng(3).normal(size=(64, 1, 3)).astype(np.float32)
    wanted = np.random.default_rng(4).integers(0, 40, size=(64, 1)) + lengths(0, 64)
    made, denoiser = speculation(FROZEN), MIXTURE.denoiser()
    whole = made.sample(Target(denoiser, condition), Draws(drawn, log_u), wanted)
    for row, draws in enumerate(each):
        one = slice(row, row + 1)
        alone = made.sample(Target(denoiser, condition[one]), draws, wanted[one])
        np.testing.assert_allclose(whole.x[one], alone.x, atol=1e-5)
        assert whole.rounds[row] == alone.rounds[0]


def _arrays(draws: Draws):
    return draws.noise, draws.log_uniform


def test_a_row_without_an_opening_asks_the_target_first():
    network = CountingNetwork(MIXTURE)
    opening = _opened_with(MIXTURE).opening(np.zeros((2, 1, 1)), [None, None])
    opening.known[1] = False
    run(speculation(FROZEN), MIXTURE, 20, 2, opening=opening, network=network)
    assert network.times[0].tolist() == [*range(99, 78, -1), 99]


def test_a_fresh_drafter_takes_one_step_alone_after_a_rejection():
    chains = [run(speculation(drafter), MIXTURE, 20, 200) for drafter in (FROZEN, FRESH)]
    assert chains[1].rounds.mean() > chains[0].rounds.mean()
    share = [c.accepted.sum() / np.isfinite(c.gaps).sum() for c in chains]
    assert share[1] > share[0]


@pytest.mark.parametrize(
    ("accept", "options"), [("tempered", {"sigma_scale": 1.5}), ("threshold", {"threshold": 0.9})]
)
def test_the_bias_budget_is_at_least_what_the_chain_strays(accept, options):
    mixture, chains = _sampled(2, "network", 20, 2000, accept, **options)
    rule = speculation(FROZEN, accept, **options)
    tested = np.isfinite(chains.gaps)
    gaps = np.where(tested, chains.gaps, 0.0)
    budget = (rule.rule.bias(gaps, rule.settings) * tested).sum(axis=1).mean()
    weights = mixture.mode_weights(chains.x), mixture.mode_weights(_base(2, 2000, 11))
    strayed = 0.5 * np.abs(weights[0] - weights[1]).sum()
    assert 0.03 < strayed <= budget


def test_tempering_takes_fewer_rounds_than_the_exact_rule():
    exact, tempered = (
        _sampled(20, "network", 40, 300, accept, sigma_scale=2.0)[1].rounds.mean()
        for accept in ("exact", "tempered")
    )
    assert tempered < exact - 0.5
