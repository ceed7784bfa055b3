# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from dp_accel_ros.execute.blending import blended, offset_share
from dp_accel_ros.execute.trajectory import Setpoint

TIMES = np.linspace(0.0, 0.4, 41)


def test_the_whole_offset_is_there_at_the_switch_and_none_after_the_blend():
    share = offset_share(TIMES, 0.2)
    assert share[0] == 1.0
    assert not share[TIMES >= 0.2].any()
    assert (np.diff(share) <= 0.0).all()


def test_without_blending_the_new_chunk_is_taken_at_once():
    np.testing.assert_array_equal(offset_share(np.array([0.0, 0.01]), 0.0), [1.0, 0.0])


def test_the_blend_leaves_on_the_commanded_course_with_its_velocity():
    commanded = Setpoint(np.array([1.0]), np.array([0.5]))
    reference = Setpoint(np.array([0.0]), np.array([0.0]))
    times = np.array([0.0, 1e-4])
    path = blended(np.zeros((2, 1)), times, commanded, reference, 0.2)
    assert path[0, 0] == 1.0
    assert (path[1, 0] - path[0, 0]) / 1e-4 == pytest.approx(0.5, abs=2e-2)


def test_a_chunk_that_agrees_with_the_commanded_course_is_not_touched():
    here = Setpoint(np.array([0.3]), np.array([0.1]))
    wanted = np.linspace(0.3, 0.5, 41)[:, None]
    np.testing.assert_array_equal(blended(wanted, TIMES, here, here, 0.2), wanted)
