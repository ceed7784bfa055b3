# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The noise schedule against diffusers, against printed values and against itself."""

from __future__ import annotations

import numpy as np
import pytest

from dp_accel_ros.errors import ConfigError, ShapeError
from dp_accel_ros.manifest.parts import Schedule
from dp_accel_ros.predict.schedule import CLEAN, NoiseSchedule, schedule_from, squared_cosine

# timestep, alpha, sigma, alpha / sigma for 100 steps
PRINTED = [
    (99, 0.0005, 1.000, 0.000),
    (95, 0.0623, 0.9981, 0.062),
    (90, 0.1398, 0.9902, 0.141),
    (80, 0.2918, 0.9565, 0.305),
    (60, 0.5711, 0.8209, 0.696),
    (50, 0.6916, 0.7223, 0.957),
    (49, 0.7027, 0.7114, 0.988),
    (40, 0.7953, 0.6062, 1.312),
    (24, 0.9203, 0.3911, 2.353),
    (12, 0.9770, 0.2130, 4.586),
    (9, 0.9859, 0.1671, 5.902),
    (4, 0.9960, 0.0894, 11.14),
    (1, 0.9991, 0.0418, 23.9),
]


@pytest.mark.parametrize(("level", "alpha", "sigma", "root_snr"), PRINTED)
def test_squared_cosine_has_the_printed_values(
    level: int, alpha: float, sigma: float, root_snr: float
):
    got_alpha, got_sigma = squared_cosine(100).at(level)
    assert got_alpha == pytest.approx(alpha, abs=6e-5)
    assert got_sigma == pytest.approx(sigma, abs=6e-5)
    assert got_alpha / got_sigma == pytest.approx(root_snr, rel=2e-3, abs=6e-4)


def test_squared_cosine_equals_diffusers():
    diffusers = pytest.importorskip("diffusers")
    reference = diffusers.DDPMScheduler(100, beta_schedule="squaredcos_cap_v2").alphas_cumprod
    assert np.abs(squared_cosine(100).alphas ** 2 - reference.numpy()).max() < 1e-6


def test_variance_is_preserved_at_every_level():
    schedule = squared_cosine(100)
    np.testing.assert_allclose(schedule.alphas**2 + schedule.sigmas**2, 1.0, rtol=1e-14)


def test_index_0_is_the_cleanest_level():
    schedule = squared_cosine(100)
    assert schedule.sigmas[0] == schedule.sigmas.min() < 0.03


def test_the_clean_level_has_no_noise():
    assert squared_cosine().at(CLEAN) == (1.0, 0.0)


def test_network_times_are_the_training_timesteps():
    np.testing.assert_array_equal(squared_cosine(100).network_times, np.arange(100))


def test_the_arrays_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        squared_cosine().sigmas[0] = 0.0


def test_the_schedule_keeps_no_reference_to_the_arrays_it_was_given():
    sigmas = np.array([0.1, 1.0])
    schedule = NoiseSchedule(np.ones(2), sigmas, np.zeros(2, np.float32))
    sigmas[0] = 9.0
    assert schedule.at(0) == (1.0, 0.1)


def test_a_variance_exploding_schedule_only_adds_noise():
    schedule = NoiseSchedule(np.ones(2), np.array([0.1, 80.0]), np.zeros(2, np.float32))
    clean, eps = np.float32([0.5]), np.float32([2.0])
    np.testing.assert_allclose(schedule.noised(clean, 1, eps), 160.5)


def test_noising_keeps_float32():
    ones = np.ones((1, 2, 3), np.float32)
    assert squared_cosine().noised(ones, 50, ones).dtype == np.float32


def test_sigmas_that_do_not_rise_are_refused():
    with pytest.raises(ConfigError, match="rise with the level"):
        NoiseSchedule(np.ones(2), np.array([1.0, 0.5]), np.zeros(2, np.float32))


def test_arrays_of_different_lengths_are_refused():
    with pytest.raises(ShapeError, match=r"`sigmas`: expected shape \(2,\), got \(3,\)"):
        NoiseSchedule(np.ones(2), np.array([1.0, 2.0, 3.0]), np.zeros(2, np.float32))


def test_a_manifest_chooses_the_number_of_levels():
    facts = Schedule(
        num_train_timesteps=50,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="epsilon",
        clip_sample=True,
    )
    assert len(schedule_from(facts)) == 50
