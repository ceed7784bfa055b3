# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Whole chains made in rounds: their law, their counts and their edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from drafting import FRESH, FROZEN, MAKERS, opened_with, problems, sampled
from gmm_policy import LEVELS, TABLE, Mixture, NetworkDrafter, lengths, run, speculation
from toy_networks import SCHEDULE, CountingNetwork, noise, smooth_network

from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.samplers import Ddpm
from dp_accel_ros.predict.speculation.drafters import Window
from dp_accel_ros.predict.speculation.drafters.frozen import path_with
from dp_accel_ros.predict.speculation.draws import Draws
from dp_accel_ros.predict.speculation.target import Target

MIXTURE = Mixture.of_size(2)


@dataclass(frozen=True)
class Peeking:
    """Leans on the noise of the very step that it drafts."""

    name: str = "peeking"
    needs: str = "estimate"

    def opening(self, condition, previous) -> None:
        """Make no guess."""

    def path(self, window: Window):
        return path_with(window, window.estimate[:, None] - 0.05 * window.noise[:, :-1])


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("draft_length", [1, 5, 20, 40, 150])
def test_the_law_of_a_chunk_is_the_base_samplers(maker: str, draft_length: int):
    assert not problems(*sampled(2, maker, draft_length, 2000))


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize(("size", "n"), [(20, 1000), (100, 400)])
def test_the_law_is_the_base_samplers_in_many_dimensions(maker: str, size: int, n: int):
    assert not problems(*sampled(size, maker, 20, n))


def test_the_law_is_the_base_samplers_without_the_bonus_step():
    assert not problems(*sampled(2, "frozen", 20, 2000, bonus=False))


def test_the_threshold_rule_with_lambda_1_fails_the_same_test():
    assert problems(*sampled(2, "network", 2, 1000, "threshold", threshold=1.0))


def test_a_drafter_that_knows_the_noise_of_its_step_fails_the_same_test():
    assert problems(MIXTURE, run(speculation(Peeking()), MIXTURE, 20, 1000))


def test_acceptance_is_what_the_gaps_predict():
    _, chains = sampled(20, "frozen", 10, 500)
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


@pytest.mark.parametrize(("guess", "least"), [(5, 60), (100, 99)])
def test_useless_drafts_cost_rounds_but_neither_exactness_nor_termination(guess, least):
    nonsense = Denoiser(lambda x, t, c: 0 * x + guess, SCHEDULE, "sample", clip=False)
    chains = run(speculation(NetworkDrafter(nonsense)), MIXTURE, 5, 800)
    assert not problems(MIXTURE, chains)
    assert least < chains.rounds.mean() <= chains.rounds.max() <= 100


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
    opening = opened_with(MIXTURE).opening(np.zeros((2, 1, 1)), [None, None])
    opening.known[1] = False
    run(speculation(FROZEN), MIXTURE, 20, 2, opening=opening, network=network)
    assert network.times[0].tolist() == [*range(99, 78, -1), 99]


def test_a_fresh_drafter_takes_one_step_alone_after_a_rejection():
    chains = [run(speculation(drafter), MIXTURE, 20, 200) for drafter in (FROZEN, FRESH)]
    assert chains[1].rounds.mean() > chains[0].rounds.mean()
    share = [c.accepted.sum() / np.isfinite(c.gaps).sum() for c in chains]
    assert share[1] > share[0]
