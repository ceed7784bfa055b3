# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Raw units to [-1, 1] and back."""

from __future__ import annotations

import numpy as np
import pytest

from dp_accel_ros.errors import ConfigError, NotFiniteError, ShapeError
from dp_accel_ros.manifest.parts import Bounds
from dp_accel_ros.observe.normalizer import Normalizer

ARM = Normalizer.between(np.array([-2.0, 0.0]), np.array([3.0, 0.04]))


def test_bounds_become_minus_1_and_1():
    np.testing.assert_allclose(
        ARM.normalize(np.array([[-2.0, 0.0], [3.0, 0.04]])), [[-1] * 2, [1] * 2]
    )


def test_unnormalising_undoes_normalising():
    raw = np.random.default_rng(0).uniform([-2, 0], [3, 0.04], (5, 7, 2))
    np.testing.assert_allclose(ARM.unnormalize(ARM.normalize(raw)), raw, atol=1e-6)


def test_a_near_constant_dimension_is_shifted_and_not_scaled():
    still = Normalizer.between(np.array([0.7]), np.array([0.700_01]))
    np.testing.assert_allclose(still.normalize(np.array([0.7, 0.8])), [0.0, 0.1], atol=1e-4)


def test_values_outside_the_bounds_are_not_clipped():
    np.testing.assert_allclose(ARM.normalize(np.array([8.0, 0.0])), [3.0, -1.0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_both_ways_give_float32(dtype):
    raw = np.zeros((3, 2), dtype)
    assert ARM.normalize(raw).dtype == ARM.unnormalize(raw).dtype == np.float32


def test_the_manifest_gives_the_bounds():
    ours = Normalizer.from_bounds(Bounds(minimum=[-2.0, 0.0], maximum=[3.0, 0.04]))
    np.testing.assert_array_equal(ours.half_range, ARM.half_range)


def test_the_statistics_are_copies_that_cannot_be_written_to():
    low = np.array([-1.0])
    normalizer = Normalizer.between(low, np.array([1.0]))
    low[0] = -9.0
    assert normalizer.centre == 0.0
    with pytest.raises(ValueError, match="read-only"):
        normalizer.centre[0] = 1.0


@pytest.mark.parametrize(
    ("low", "high", "kind", "message"),
    [
        ([0.0], [1.0, 2.0], ShapeError, r"`maximum`: expected shape \(1,\), got \(2,\)"),
        ([0.0, np.nan], [1.0, 2.0], NotFiniteError, "bounds: expected finite numbers, got 1 of 2"),
        ([0.0, 3.0], [1.0, 2.0], ConfigError, r"`minimum` exceeds `maximum` at 1: 3\.0 and 2\.0"),
    ],
)
def test_bounds_that_cannot_work_are_refused(low, high, kind, message):
    with pytest.raises(kind, match=message):
        Normalizer.between(np.array(low), np.array(high))
