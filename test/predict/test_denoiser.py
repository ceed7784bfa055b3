# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The denoiser: every parametrisation gives the same clean estimate."""

from __future__ import annotations

import numpy as np
import pytest
from toy_networks import SCHEDULE, noise, smooth_network

from dp_accel_ros.errors import UnknownNameError
from dp_accel_ros.predict.denoiser import Denoiser

CONDITION = np.zeros((4, 2, 3), np.float32)
CLEAN = 0.8 * np.tanh(noise(4, 16, 8, seed=1))
LEVELS = np.array([0, 10, 50, 99])


def _prediction(kind: str, eps: np.ndarray) -> np.ndarray:
    alpha = SCHEDULE.alphas[LEVELS][:, None, None]
    sigma = SCHEDULE.sigmas[LEVELS][:, None, None]
    kinds = {"epsilon": eps, "sample": CLEAN, "v_prediction": alpha * eps - sigma * CLEAN}
    return kinds[kind].astype(np.float32)


@pytest.mark.parametrize("kind", ["epsilon", "sample", "v_prediction"])
def test_a_perfect_network_of_any_kind_gives_the_clean_chunk(kind: str):
    eps = noise(4, 16, 8)
    alpha, sigma = (a[LEVELS][:, None, None] for a in (SCHEDULE.alphas, SCHEDULE.sigmas))
    x = (alpha * CLEAN + sigma * eps).astype(np.float32)
    denoiser = Denoiser(lambda *_: _prediction(kind, eps), SCHEDULE, kind)
    # At level 99 float32 noise is amplified by 1 / alpha = 2000.
    np.testing.assert_allclose(denoiser.given(CONDITION)(x, LEVELS), CLEAN, atol=1e-3)


def test_rows_at_their_own_levels_equal_one_run_per_level():
    x = noise(4, 16, 8)
    denoise = Denoiser(smooth_network, SCHEDULE).given(CONDITION)
    single = Denoiser(smooth_network, SCHEDULE).given(CONDITION[:1])
    one_by_one = [single(x[i : i + 1], int(level)) for i, level in enumerate(LEVELS)]
    np.testing.assert_array_equal(denoise(x, LEVELS), np.concatenate(one_by_one))


def test_one_condition_row_serves_many_chunks():
    x = noise(4, 16, 8)
    one, four = (Denoiser(smooth_network, SCHEDULE).given(CONDITION[:n]) for n in (1, 4))
    np.testing.assert_array_equal(one(x, 30), four(x, 30))


def test_estimates_are_clipped():
    x = 100 * noise(4, 16, 8)
    assert np.abs(Denoiser(smooth_network, SCHEDULE).given(CONDITION)(x, 80)).max() == 1.0


def test_estimates_are_not_clipped_where_the_policy_was_trained_without():
    x = 100 * noise(4, 16, 8)
    denoise = Denoiser(smooth_network, SCHEDULE, clip=False).given(CONDITION)
    assert np.abs(denoise(x, 80)).max() > 100


def test_the_network_is_told_its_own_time_in_float32():
    seen = []
    network = lambda x, t, cond: seen.append(t) or x  # noqa: E731
    Denoiser(network, SCHEDULE).given(CONDITION)(noise(4, 16, 8), 7)
    np.testing.assert_array_equal(seen[0], np.float32([7, 7, 7, 7]))
    assert seen[0].dtype == np.float32


def test_an_estimate_stays_in_float32():
    assert (
        Denoiser(smooth_network, SCHEDULE).given(CONDITION)(noise(4, 2, 2), 5).dtype == "float32"
    )


def test_an_unknown_prediction_type_is_refused_with_the_known_ones():
    with pytest.raises(UnknownNameError, match="named 'flow'; there are consistency, edm, eps"):
        Denoiser(smooth_network, SCHEDULE, "flow")
