# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

pytest.importorskip("mujoco")

from dp_accel_ros.errors import SimulationError
from dp_accel_ros.sim import ARM_TASKS
from dp_accel_ros.sim.arm import HOME
from dp_accel_ros.sim.inverse_kinematics import (
    InverseKinematics,
    downward_axes,
    rotation,
    rotation_vector,
)

ARM = np.array(HOME[:7])


@pytest.fixture(scope="module")
def solver():
    return InverseKinematics(ARM_TASKS["lift"]().world.model)


@pytest.mark.parametrize("xyz", [(0.40, -0.15, 0.02), (0.55, 0.2, 0.02), (0.48, 0.0, 0.2)])
@pytest.mark.parametrize("yaw", [-0.7, 0.0, 0.7])
def test_the_solution_puts_the_fingertips_where_they_should_be(solver, xyz, yaw):
    position, axes = solver.pose(solver.solve(np.array(xyz), downward_axes(yaw), ARM))
    np.testing.assert_allclose(position, xyz, atol=1e-4)
    np.testing.assert_allclose(axes, downward_axes(yaw), atol=1e-3)


def test_a_point_out_of_reach_is_named(solver):
    with pytest.raises(SimulationError, match=r"cannot reach \[1.5, 0.0, 0.1\]"):
        solver.solve(np.array([1.5, 0.0, 0.1]), downward_axes(0.0), ARM)


def test_the_start_is_not_changed(solver):
    start = ARM.copy()
    solver.solve(np.array([0.5, 0.1, 0.05]), downward_axes(0.3), start)
    np.testing.assert_array_equal(start, ARM)


def test_a_rotation_and_its_vector_are_inverse():
    vector = np.array([0.1, -0.2, 0.3])
    reference = downward_axes(0.4)
    np.testing.assert_allclose(rotation_vector(rotation(vector) @ reference, reference), vector)
