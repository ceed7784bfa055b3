# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""One coupled step: its law, its closed forms, and its geometry."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import stats
from toy_networks import SCHEDULE, noise

from dp_accel_ros.predict.samplers.base import transitions
from dp_accel_ros.predict.samplers.ddpm import posterior_steps
from dp_accel_ros.predict.speculation.coupling import gap_norm, log_ratio, reflected
from dp_accel_ros.predict.speculation.normal import normal_cdf
from dp_accel_ros.predict.speculation.rules import RULES, Settings
from dp_accel_ros.predict.speculation.step_table import step_table

DELTAS = (0.05, 0.2, 0.5, 1.0, 2.0, 4.0)
EVERY_DELTA = pytest.mark.parametrize("delta", DELTAS)
LEVELS = tuple(range(99, -1, -1))


@cache
def _drawn(n: int, size: int):
    """Return noise (n, 1, D), a direction (1, D) and log uniforms (n,)."""
    rng = np.random.default_rng([17, size])
    z, direction = rng.standard_normal((n, 1, size), dtype=np.float32), rng.normal(size=(1, size))
    return z, direction / np.linalg.norm(direction), -rng.standard_exponential(n)


def _coupled(delta: float, accept="exact", n=200_000, size=5, **settings):
    """Return (y - m_q) / s along the gap (n,), all of it (n, D), and who was accepted (n,)."""
    z, direction, log_u = _drawn(n, size)
    gap = np.float32(delta * direction)
    gaps = np.broadcast_to(gap, z.shape)
    accepted = RULES[accept].accepts(
        log_ratio(z, gaps, np.float32(delta)), log_u, Settings(**settings)
    )
    y = np.where(accepted[:, None, None], z + gaps, reflected(z, gaps)).reshape(n, -1)
    return y @ gap.ravel() / delta, y, accepted


def _wrong_law(delta: float, accept: str, **settings) -> float:
    """Return the least p-value against a standard normal: along the gap, across it, its norm."""
    along, y, _ = _coupled(delta, accept, **settings)
    across = stats.ortho_group.rvs(5, random_state=3)[0]
    gap = y.T @ along
    across -= across @ gap * gap / (gap @ gap)
    across /= np.linalg.norm(across)
    normal, chi = stats.norm.cdf, stats.chi2(5).cdf
    tests = ((along, normal), (y @ across, normal), ((y**2).sum(axis=1), chi))
    return min(stats.kstest(values, law, method="asymp").pvalue for values, law in tests)


@EVERY_DELTA
def test_a_coupled_step_has_the_law_of_the_target(delta: float):
    assert 3 * _wrong_law(delta, "exact") > 0.001


def test_the_threshold_rule_with_lambda_1_has_another_law():
    assert all(_wrong_law(delta, "threshold", threshold=1.0) < 1e-9 for delta in (0.05, 1.0, 4.0))


@EVERY_DELTA
def test_the_maximal_coupling_accepts_as_often_as_its_closed_form_says(delta: float):
    _, _, accepted = _coupled(delta)
    expected = float(RULES["exact"].acceptance(np.array(delta), Settings()))
    error = np.sqrt(expected * (1 - expected) / len(accepted))
    assert abs(accepted.mean() - expected) < 4 * error


def test_acceptance_has_the_values_of_the_literature():
    printed = [0.9801, 0.9203, 0.8026, 0.6171, 0.3173, 0.0455]
    np.testing.assert_allclose(
        RULES["exact"].acceptance(np.array(DELTAS), Settings()), printed, atol=5e-5
    )


def test_the_mean_gap_of_a_step_is_the_root_of_the_gain_in_signal_to_noise():
    snr = (SCHEDULE.alphas / SCHEDULE.sigmas) ** 2
    for t, of_denoised, _, scale in posterior_steps(SCHEDULE, LEVELS)[:-1]:
        assert (of_denoised / scale) ** 2 == pytest.approx(snr[t - 1] - snr[t], rel=1e-10)


# timestep, root of the gain in signal-to-noise, and the same for an error of the noise estimate
PRINTED_STEPS = [
    (99, 0.016, 31.6),
    (95, 0.047, 0.752),
    (90, 0.069, 0.488),
    (80, 0.104, 0.340),
    (60, 0.182, 0.261),
    (50, 0.243, 0.254),
    (40, 0.340, 0.259),
    (20, 0.925, 0.327),
    (10, 2.406, 0.446),
    (5, 5.87, 0.620),
    (3, 10.7, 0.791),
    (2, 16.5, 0.958),
    (1, 31.8, 1.331),
]


@pytest.mark.parametrize(("level", "of_clean", "of_noise"), PRINTED_STEPS)
def test_what_an_error_counts_for_at_a_step_has_the_printed_values(level, of_clean, of_noise):
    table = step_table(SCHEDULE, LEVELS)
    rise = float(table.rise[LEVELS.index(level)])
    assert rise == pytest.approx(of_clean, rel=5e-3, abs=5e-4)
    # An error of the noise estimate is sigma / alpha of one of the clean estimate.
    alpha, sigma = SCHEDULE.at(level)
    assert rise * sigma / alpha == pytest.approx(of_noise, rel=5e-3)


@pytest.mark.parametrize(
    ("level", "error"), [(50, 0.62), (20, 0.16), (10, 0.063), (5, 0.026), (1, 0.0047)]
)
def test_drafts_that_hold_94_times_of_100_need_the_printed_accuracy(level: int, error: float):
    delta = error * step_table(SCHEDULE, LEVELS).rise[LEVELS.index(level)]
    acceptance = RULES["exact"].acceptance(np.array(delta), Settings())
    assert float(acceptance) == pytest.approx(0.94, abs=0.002)


@pytest.mark.parametrize("index", [0, 20, 50, 80, 98])
def test_the_gap_is_the_distance_of_the_clean_estimates_or_of_the_noise_estimates(index: int):
    x, *estimates = (noise(16, 8, seed=seed).astype(np.float64) for seed in range(3))
    clean = [np.clip(estimate, -1.0, 1.0) for estimate in estimates]
    level, of_denoised, of_x, scale = posterior_steps(SCHEDULE, LEVELS)[index]
    means = [of_denoised * c + of_x * x for c in clean]
    delta = np.linalg.norm(means[0] - means[1]) / scale
    (alpha, sigma), (alpha_next, sigma_next) = map(SCHEDULE.at, transitions(LEVELS)[index])
    eps = [(x - alpha * c) / sigma for c in clean]
    gain = (alpha_next / sigma_next) ** 2 / (alpha / sigma) ** 2
    rise = step_table(SCHEDULE, LEVELS).rise[index]
    assert rise * np.linalg.norm(clean[0] - clean[1]) == pytest.approx(delta, rel=1e-6)
    assert np.sqrt(gain - 1) * np.linalg.norm(eps[0] - eps[1]) == pytest.approx(delta, rel=1e-9)
    assert level == LEVELS[index]


def test_a_rejected_draft_is_mirrored_in_the_plane_halfway_between_the_means():
    z, gap = noise(7, 4, 3), noise(7, 4, 3, seed=1)
    draft, mirrored = z + gap, reflected(z, gap)  # in units of s, from the target's mean
    along = np.einsum("ntd,ntd->n", draft - gap / 2, gap) / np.einsum("ntd,ntd->n", gap, gap)
    expected = draft - 2 * along[:, None, None] * gap
    np.testing.assert_allclose(mirrored, expected, atol=1e-5)
    np.testing.assert_allclose(gap_norm(mirrored), gap_norm(draft - gap), rtol=1e-5)


def test_mirroring_twice_changes_nothing():
    z, gap = noise(7, 4, 3), noise(7, 4, 3, seed=1)
    np.testing.assert_allclose(reflected(reflected(z, gap), gap), z, atol=1e-5)


def test_a_draft_from_the_targets_own_mean_is_always_accepted():
    ratio = log_ratio(noise(100, 4, 3), np.zeros((100, 4, 3), np.float32), np.zeros(100))
    for rule in RULES.values():
        assert rule.accepts(ratio, np.full(100, -1e-12), Settings()).all()


def test_a_number_that_is_there_twice_counts_twice():
    z, gap = noise(5, 2, 3), noise(5, 2, 3, seed=1)
    twice = [np.concatenate([a, a], axis=1) for a in (z, gap)]
    ratio, double = (log_ratio(*pair, gap_norm(pair[1])) for pair in ((z, gap), twice))
    np.testing.assert_allclose(double, 2 * ratio, rtol=1e-5)
    np.testing.assert_allclose(gap_norm(twice[1]), np.sqrt(2) * gap_norm(gap), rtol=1e-6)


def _distance_from_normal(values: np.ndarray, breaks: list[float]) -> float:
    """Return the total variation between values (n,) and the standard normal law, by bins."""
    edges = np.sort([*stats.norm.ppf(np.linspace(0.02, 0.98, 49)), *breaks, -9.0, 9.0])
    counts, _ = np.histogram(values, edges)
    return 0.5 * float(np.abs(counts / len(values) - np.diff(stats.norm.cdf(edges))).sum())


def _measured(delta: float, accept: str, **settings) -> tuple[float, float]:
    """Return acceptance and total variation of one step, from many draws."""
    along, _, accepted = _coupled(delta, accept, n=400_000, size=1, **settings)
    cut = delta / 2 + np.log(settings.get("threshold", 1.0)) / delta
    breaks = [cut, delta - cut] if accept == "threshold" else []
    return accepted.mean(), _distance_from_normal(along, breaks)


@pytest.mark.parametrize(
    ("accept", "settings"),
    [
        ("exact", {}),
        ("tempered", {"sigma_scale": 1.2}),
        ("tempered", {"sigma_scale": 2.0}),
        ("threshold", {"threshold": 1.0}),
        ("threshold", {"threshold": 0.9}),
        ("threshold", {"threshold": 0.5}),
        ("threshold", {"threshold": 0.1}),
    ],
)
@pytest.mark.parametrize("delta", [0.066, 0.5, 1.0, 2.0])
def test_acceptance_and_bias_of_a_rule_are_what_its_closed_forms_say(delta, accept, settings):
    acceptance, distance = _measured(delta, accept, **settings)
    rule, facts = RULES[accept], Settings(**settings)
    assert acceptance == pytest.approx(float(rule.acceptance(np.array(delta), facts)), abs=0.003)
    assert distance == pytest.approx(float(rule.bias(np.array(delta), facts)), abs=0.01)


@pytest.mark.parametrize(
    ("delta", "scale", "acceptance", "bias"),
    [(1, 1.2, 0.689, 0.072), (1, 1.5, 0.770, 0.153), (1, 2, 0.854, 0.237), (0.5, 2, 0.938, 0.136)],
)
def test_tempering_has_the_printed_values(delta, scale, acceptance, bias):
    rule, settings = RULES["tempered"], Settings(sigma_scale=scale)
    assert float(rule.acceptance(np.array(delta), settings)) == pytest.approx(acceptance, abs=6e-4)
    assert float(rule.bias(np.array(delta), settings)) == pytest.approx(bias, abs=6e-4)


@pytest.mark.parametrize(("least", "worst"), [(0.99, 0.44), (0.9, 0.33), (0.7, 0.23), (0.5, 0.20)])
def test_the_worst_bias_of_the_threshold_rule_has_the_printed_values(least, worst):
    bias = RULES["threshold"].bias(np.linspace(0.0, 5.0, 5001), Settings(threshold=least))
    assert bias.max() == pytest.approx(worst, abs=0.006)
    assert bias[0] == 0.0


@pytest.mark.parametrize("scale", [1.2, 1.5, 2.0])
def test_what_tempering_accepts_beyond_the_maximal_coupling_is_its_bias(scale: float):
    """Measured: no other rule strays less for as many accepted drafts."""
    acceptance, distance = _measured(1.0, "tempered", sigma_scale=scale)
    most, _ = _measured(1.0, "exact")
    assert distance == pytest.approx(acceptance - most, abs=0.01)


@pytest.mark.parametrize(
    ("least", "delta"), [(0.9, 0.051), (0.8, 0.132), (0.7, 0.254), (0.6, 0.442), (0.5, 0.754)]
)
def test_the_threshold_rule_accepts_more_than_the_exact_one_below_the_printed_gap(least, delta):
    gaps = delta + np.array([-0.003, 0.003])
    exact = RULES["exact"].acceptance(gaps, Settings())
    threshold = RULES["threshold"].acceptance(gaps, Settings(threshold=least))
    assert threshold[0] > exact[0]
    assert threshold[1] < exact[1]


def test_at_94_accepted_of_100_the_threshold_rule_strays_where_the_exact_one_accepts_more():
    gap, settings = np.array(0.066), Settings(threshold=0.9)
    assert float(RULES["threshold"].acceptance(gap, settings)) == pytest.approx(0.94, abs=0.003)
    assert float(RULES["threshold"].bias(gap, settings)) == pytest.approx(0.072, abs=0.002)
    assert float(RULES["exact"].acceptance(gap, Settings())) == pytest.approx(0.974, abs=0.001)


def test_no_rule_accepts_more_than_the_maximal_coupling_and_its_own_bias():
    deltas = np.linspace(0.01, 5.0, 200)
    most = RULES["exact"].acceptance(deltas, Settings())
    for name, settings in (("tempered", Settings(1.7)), ("threshold", Settings(1.3, 0.6))):
        rule = RULES[name]
        assert (
            rule.acceptance(deltas, settings) <= most + rule.bias(deltas, settings) + 1e-9
        ).all()


def test_tempering_by_1_and_only_that_is_called_exact():
    tempered = RULES["tempered"]
    assert tempered.exactness(Settings(np.ones(3)), 0.0).startswith("exact")
    assert tempered.exactness(Settings(np.array([1, 1, 1.1])), 0.25).startswith(
        "biased: at most 0.250"
    )


def test_the_threshold_rule_never_calls_itself_exact():
    for budget in (0.0, 0.3, 4.0):
        assert RULES["threshold"].exactness(Settings(), budget).startswith("NOT the law")


def test_the_normal_distribution_function_equals_scipys():
    x = np.linspace(-9, 9, 101)
    np.testing.assert_allclose(normal_cdf(x), stats.norm.cdf(x), rtol=1e-12)
