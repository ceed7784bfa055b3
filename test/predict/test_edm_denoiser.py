# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""EDM's parametrisation and its samplers on policies whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from edm_policy import END, LEVELS, SIGMA_DATA, GaussianStudent, VeMixture
from scipy import stats
from toy_networks import CountingNetwork, noise

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.preconditioning import Preconditioning
from dp_accel_ros.predict.samplers import Consistency, Heun

MIXTURE = VeMixture(np.random.default_rng(0).uniform(-0.8, 0.8, (4, 2)))
CONDITION = np.zeros((1, 2, 3), np.float32)
GAUSSIAN = {"mean": 0.2, "std": 0.3}
EVERY_LEVEL = np.arange(80)
SIGMAS = LEVELS.sigmas[:, None, None]


def _sampled(sampler, denoiser: Denoiser, n: int, size: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Return the noise that sampling started from and the chunks, (n, 1, size) each."""
    start = 80 * noise(n, 1, size)
    rng = np.random.default_rng(1)
    return start, sampler.sample(denoiser.given(CONDITION), start, rng)


def test_a_perfect_network_gives_the_clean_estimate_at_every_level_in_one_batch():
    noisy = (MIXTURE.means[EVERY_LEVEL % 4][:, None] + SIGMAS * noise(80, 1, 2)).astype(np.float32)
    got = MIXTURE.denoiser().given(CONDITION)(noisy, EVERY_LEVEL)
    np.testing.assert_allclose(got, MIXTURE.denoised(noisy, SIGMAS), atol=1e-5)


def test_rows_at_their_own_levels_equal_one_run_per_level():
    x, denoise = noise(80, 1, 2), MIXTURE.denoiser().given(CONDITION)
    single = [denoise(x[i : i + 1], int(level)) for i, level in enumerate(EVERY_LEVEL)]
    np.testing.assert_allclose(denoise(x, EVERY_LEVEL), np.concatenate(single), atol=1e-6)


def test_the_network_sees_numbers_of_size_one_at_every_level():
    seen = []
    denoiser = MIXTURE.denoiser(lambda x, t, cond: seen.append(x) or x)
    clean = SIGMA_DATA * noise(2000, 1, 2, seed=2)
    for level in (0, 20, 40, 79):
        x = LEVELS.noised(clean, level, noise(2000, 1, 2)).astype(np.float32)
        denoiser.given(CONDITION)(x, level)
    np.testing.assert_allclose([x.std() for x in seen], 1.0, atol=0.05)


def test_the_networks_target_has_variance_one_at_every_level():
    clean, scaling = SIGMA_DATA * noise(20_000, seed=2), Preconditioning(SIGMA_DATA)
    for sigma in (0.02, 0.5, 4.0, 80.0):
        x = clean + sigma * noise(20_000)
        target = (clean - scaling.of_x(sigma) * x) / scaling.of_prediction(sigma)
        assert target.var() == pytest.approx(1.0, abs=0.05)


def test_the_estimates_of_an_edm_network_are_clipped_like_any_other():
    wild = Denoiser(lambda x, t, cond: 9 * x, LEVELS, "edm", sigma_data=SIGMA_DATA).given(
        CONDITION
    )
    assert np.abs(wild(80 * noise(4, 1, 2), 79)).max() == 1.0


def test_heun_follows_the_trajectories_of_a_gaussian():
    gaussian = VeMixture(np.full((1, 2), 0.2), (1.0,), std=0.3)
    start, chunks = _sampled(Heun.spaced(LEVELS, 79), gaussian.denoiser(), 500)
    exact = GaussianStudent(**GAUSSIAN).landing(start, 80.0, end=0.0)
    np.testing.assert_allclose(chunks, exact, atol=2e-3)


def test_heun_draws_the_modes_of_a_mixture_as_often_as_they_are():
    _, chunks = _sampled(Heun.spaced(LEVELS, 79), MIXTURE.denoiser(), 2000)
    counts = np.bincount(MIXTURE.modes(chunks), minlength=4)
    assert stats.chisquare(counts, 2000 * np.array(MIXTURE.weights)).pvalue > 0.001


def test_each_mode_has_the_spread_that_the_last_jump_leaves():
    _, chunks = _sampled(Heun.spaced(LEVELS, 79), MIXTURE.denoiser(), 2000)
    residuals = chunks[:, 0] - MIXTURE.means[MIXTURE.modes(chunks)]
    expected = MIXTURE.std**2 / np.hypot(MIXTURE.std, LEVELS.at(1)[1])  # .045 of .05
    assert residuals.std() == pytest.approx(expected, rel=0.03)


def test_ending_in_the_lowest_level_leaves_its_noise_in():
    point = VeMixture(np.zeros((1, 2)), (1.0,), std=1e-3)
    left = [_sampled(Heun.spaced(LEVELS, 79, end), point.denoiser(), 500)[1] for end in (-1, 0)]
    assert left[0].std() < 1e-3
    assert left[1].std() == pytest.approx(END, rel=0.05)


def test_one_jump_of_a_perfect_student_is_the_whole_trajectory():
    student = GaussianStudent(**GAUSSIAN)
    start, chunks = _sampled(Consistency.spaced(LEVELS, 1), student.denoiser(), 500)
    np.testing.assert_allclose(chunks, student.landing(start, 80.0), atol=1e-4)


def test_three_jumps_of_a_perfect_student_keep_the_law():
    student, n = GaussianStudent(**GAUSSIAN), 4000
    network = CountingNetwork(student)
    _, chunks = _sampled(Consistency.spaced(LEVELS, 3), student.denoiser(network), n, size=1)
    assert len(network.times) == 3
    law = stats.norm(0.2, np.hypot(0.3, END))
    assert stats.kstest(chunks.ravel(), law.cdf).pvalue > 0.001


def test_at_the_lowest_level_a_student_returns_what_it_is_given():
    x = 0.3 * noise(4, 1, 2)
    wild = Denoiser(lambda x, t, cond: 9 * x, LEVELS, "consistency").given(CONDITION)
    np.testing.assert_array_equal(wild(x, 0), x)


def test_a_boundary_of_zero_is_edm():
    edm, student = Preconditioning(0.5), Preconditioning(0.5, boundary=0.02)
    assert edm.of_x(1.0) == pytest.approx(0.25 / 1.25)
    assert edm.of_prediction(1.0) == pytest.approx(0.5 / 1.25**0.5)
    assert (student.of_x(0.02), student.of_prediction(0.02)) == (1.0, 0.0)


def test_data_without_spread_are_refused():
    with pytest.raises(ConfigError, match=r"`sigma_data` must be above 0 .* got 0"):
        Preconditioning(0.0)
