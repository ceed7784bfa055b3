# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Samplers against diffusers, and against what mathematics says of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from toy_networks import (
    SCHEDULE,
    CountingNetwork,
    GaussianNetwork,
    denoise_with,
    noise,
    smooth_network,
)

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.samplers import SAMPLERS, Ddim, Ddpm, DpmPp2M, Heun
from dp_accel_ros.predict.samplers.ddpm import posterior_steps
from dp_accel_ros.predict.schedule import NoiseSchedule

EVERY_SAMPLER = pytest.mark.parametrize("kind", SAMPLERS.values(), ids=SAMPLERS)
ONE_CALL_A_STEP = pytest.mark.parametrize("kind", [Ddpm, Ddim, DpmPp2M])
FACTS = {"num_train_timesteps": 100, "beta_schedule": "squaredcos_cap_v2"}
CONDITION = np.zeros((3, 2, 3), np.float32)


def _reference(scheduler, levels, x, **step):
    """Return what diffusers' own loop makes of `x` with the smooth network."""
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(x)
    for level in levels:
        times = np.full(len(x), level, np.float32)
        eps = torch.from_numpy(smooth_network(x.numpy(), times, CONDITION))
        x = scheduler.step(eps, level, x, **step).prev_sample
    return x.numpy()


def _ours(sampler, x, rng=None):
    denoise = denoise_with(smooth_network, n_rows=len(x))
    return sampler.sample(denoise, x, rng or np.random.default_rng(0))


@pytest.mark.parametrize("n_steps", [100, 16, 10, 1])
def test_ddim_equals_diffusers_with_the_clipped_output(n_steps: int):
    diffusers = pytest.importorskip("diffusers")
    reference = diffusers.DDIMScheduler(**FACTS, clip_sample=True, set_alpha_to_one=True)
    reference.set_timesteps(n_steps)
    sampler, x = Ddim.spaced(SCHEDULE, n_steps), noise(3, 16, 8)
    assert reference.timesteps.tolist() == list(sampler.levels)
    expected = _reference(reference, sampler.levels, x, use_clipped_model_output=True)
    assert np.abs(_ours(sampler, x) - expected).max() < 2e-5


class _TorchNoise:
    """Stands in for a numpy generator and draws what torch draws."""

    def __init__(self, generator) -> None:
        self.generator = generator

    def standard_normal(self, shape, dtype):
        torch = pytest.importorskip("torch")
        return torch.randn(shape, generator=self.generator).numpy().astype(dtype)


@pytest.mark.parametrize("n_steps", [100, 20, 10, 1])
def test_ddpm_equals_diffusers_given_the_same_noise(n_steps: int):
    diffusers, torch = pytest.importorskip("diffusers"), pytest.importorskip("torch")
    reference = diffusers.DDPMScheduler(**FACTS, clip_sample=True, variance_type="fixed_small")
    reference.set_timesteps(n_steps)
    sampler, x = Ddpm.spaced(SCHEDULE, n_steps), noise(3, 16, 8)
    assert reference.timesteps.tolist() == list(sampler.levels)
    generators = [torch.Generator().manual_seed(4) for _ in range(2)]
    expected = _reference(reference, sampler.levels, x, generator=generators[0])
    assert np.abs(_ours(sampler, x, _TorchNoise(generators[1])) - expected).max() < 2e-5


@pytest.mark.parametrize("n_steps", [100, 20, 10, 2, 1])
def test_dpmpp_2m_equals_diffusers_with_clipping(n_steps: int):
    diffusers = pytest.importorskip("diffusers")
    # Thresholding at 1 is the clip to [-1, 1]: this scheduler has no `clip_sample`.
    reference = diffusers.DPMSolverMultistepScheduler(
        **FACTS, thresholding=True, sample_max_value=1.0, final_sigmas_type="zero"
    )
    sampler, x = DpmPp2M.spaced(SCHEDULE, n_steps), noise(3, 16, 8)
    reference.set_timesteps(timesteps=list(sampler.levels))
    expected = _reference(reference, sampler.levels, x)
    assert np.abs(_ours(sampler, x) - expected).max() < 2e-5


@EVERY_SAMPLER
@pytest.mark.parametrize("level", [99, 50, 0])
def test_the_exact_denoiser_of_one_point_lands_on_the_point(kind, level: int):
    sampler = kind(SCHEDULE, tuple(range(level, -1, -1)))
    denoise = denoise_with(GaussianNetwork(mean=0.3, std=0.0))
    chunk = sampler.sample(denoise, noise(1, 16, 8), np.random.default_rng(0))
    np.testing.assert_allclose(chunk, 0.3, atol=1e-5)


@ONE_CALL_A_STEP
def test_a_sampler_calls_the_network_exactly_nfe_times(kind):
    network = CountingNetwork(smooth_network)
    sampler = kind.spaced(SCHEDULE, 20)
    sampler.sample(denoise_with(network), noise(1, 16, 8), np.random.default_rng(0))
    assert [int(t[0]) for t in network.times] == list(sampler.levels)
    assert len(network.times) == sampler.nfe == 20


@ONE_CALL_A_STEP
def test_the_last_steps_are_the_low_end_of_the_grid(kind):
    assert kind.spaced(SCHEDULE, 20).last(3).levels == (10, 5, 0)


@EVERY_SAMPLER
def test_a_sampler_works_in_float32(kind):
    sampler = kind.spaced(SCHEDULE, 10)
    chunk = sampler.sample(denoise_with(smooth_network), noise(1, 4, 2), np.random.default_rng(0))
    assert chunk.dtype == np.float32


@EVERY_SAMPLER
def test_a_sampler_leaves_its_start_alone(kind):
    start = noise(1, 16, 8)
    kind.spaced(SCHEDULE, 5).sample(denoise_with(smooth_network), start, np.random.default_rng(0))
    np.testing.assert_array_equal(start, noise(1, 16, 8))


@EVERY_SAMPLER
def test_rows_of_a_batch_do_not_touch_each_other(kind):
    sampler, x = kind(SCHEDULE, (9, 4, 0)), noise(3, 16, 8)
    zero_noise = _ZeroNoise()
    whole = sampler.sample(denoise_with(smooth_network, n_rows=3), x, zero_noise)
    rows = [sampler.sample(denoise_with(smooth_network), row[None], zero_noise) for row in x]
    np.testing.assert_array_equal(whole, np.concatenate(rows))


class _ZeroNoise:
    """Stands in for a generator and draws zeros."""

    def standard_normal(self, shape, dtype):
        return np.zeros(shape, dtype)


def test_the_step_after_a_leap_is_first_order():
    leapt, x = DpmPp2M.spaced(SCHEDULE, 20).last(2), noise(1, 16, 8)
    denoise = denoise_with(smooth_network)
    (alpha, sigma), (alpha_next, sigma_next) = SCHEDULE.at(5), SCHEDULE.at(0)
    h = np.log(alpha_next / sigma_next) - np.log(alpha / sigma)
    by_hand = sigma_next / sigma * x - alpha_next * np.expm1(-h) * denoise(x, 5)
    expected = denoise(by_hand.astype(np.float32), 0)
    np.testing.assert_allclose(_ours(leapt, x), expected, atol=1e-6)


def test_ddpm_draws_the_law_of_its_closed_form():
    mean, std, n = 0.2, 0.3, 20_000
    denoise = denoise_with(GaussianNetwork(mean, std), clip=False)
    sampler = Ddpm.spaced(SCHEDULE, 100)
    chunk = sampler.sample(denoise, noise(1, n, 1), np.random.default_rng(1)).ravel()
    law = stats.norm(*_law_of_ddpm(mean, std, sampler.levels))
    assert stats.kstest(chunk, law.cdf).pvalue > 0.001


def _law_of_ddpm(mean: float, std: float, levels) -> tuple[float, float]:
    """Return mean and standard deviation of discrete DDPM on a Gaussian, which stays Gaussian."""
    m, variance = 0.0, 1.0
    for level, of_denoised, of_x, step_noise in posterior_steps(SCHEDULE, levels):
        alpha, sigma = SCHEDULE.at(level)
        gain = alpha * std**2 / (alpha**2 * std**2 + sigma**2)
        slope = of_denoised * gain + of_x
        m = slope * m + of_denoised * (1 - gain * alpha) * mean
        variance = slope**2 * variance + step_noise**2
    return m, variance**0.5


@pytest.mark.parametrize(("kind", "order"), [(Ddim, 1), (DpmPp2M, 2), (Heun, 2)])
def test_the_order_of_convergence_is_the_one_the_method_promises(kind, order: int):
    errors = [_error_at_level_20(kind, n_steps) for n_steps in (8, 16, 32)]
    slopes = np.log2(np.array(errors[:-1]) / errors[1:])
    assert slopes[-1] == pytest.approx(order, abs=0.35)


def _error_at_level_20(kind, n_steps: int) -> float:
    """Return the error on the probability flow of a Gaussian, known in closed form, in float64."""
    fine = _fine_schedule(n_steps)
    std = 0.5
    alpha, sigma = fine.alphas, fine.sigmas
    spread = np.sqrt(alpha**2 * std**2 + sigma**2)  # of x at each level
    x = np.full((1, 1, 1), spread[-1])

    def denoise(x, level):
        return alpha[level] * std**2 / spread[level] ** 2 * x

    # Stop the solver one step early: its last step jumps into the clean chunk.
    sampled = []

    def spy(x, level):
        sampled.append(x)
        return denoise(x, level)

    kind(fine, tuple(range(n_steps, -1, -1))).sample(spy, x, np.random.default_rng(0))
    return abs(float(sampled[-1][0, 0, 0]) - spread[0])


def _fine_schedule(n_steps: int):
    lambdas = np.linspace(2.0, -2.0, n_steps + 1)  # log(alpha / sigma), even steps
    alphas = 1 / np.sqrt(1 + np.exp(-2 * lambdas))
    sigmas = np.sqrt(1 - alphas**2)
    return NoiseSchedule(alphas, sigmas, np.arange(n_steps + 1, dtype=np.float32))


def test_a_seed_gives_the_same_chunk_bit_for_bit():
    sampler, x = Ddpm.spaced(SCHEDULE, 10), noise(1, 16, 8)
    first, second = (_ours(sampler, x, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: Ddim.spaced(SCHEDULE, 0), "between 1 and 100 .* got 0"),
        (lambda: Ddim.spaced(SCHEDULE, 101), "between 1 and 100 .* got 101"),
        (lambda: Ddpm.spaced(SCHEDULE, 10).last(0), "`n` must be between 1 and 10 steps, got 0"),
        (lambda: Ddpm(SCHEDULE, (1, 2)), "`levels` must fall within 99 to 0, got"),
        (lambda: Ddpm(SCHEDULE, (100,)), "`levels` must fall within 99 to 0, got"),
        (lambda: Ddpm(SCHEDULE, ()), "`levels` must fall within 99 to 0, got"),
    ],
)
def test_a_grid_that_cannot_be_stepped_over_is_refused(call, match: str):
    with pytest.raises(ConfigError, match=match):
        call()
