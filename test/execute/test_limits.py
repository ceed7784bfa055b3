# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from scheduling import LIMITS

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.execute.limits import JointLimits
from dp_accel_ros.execute.trajectory import Setpoint, through
from dp_accel_ros.manifest.parts import Joint

JOINT = Joint(name="joint1", unit="rad", lower=-1.0, upper=2.0, max_velocity=3.0)
TIMES = np.array([0.03, 0.07, 0.11, 0.15])


@pytest.mark.parametrize("seed", range(20))
def test_limits_hold_for_any_waypoints(seed):
    rng = np.random.default_rng(seed)
    start = rng.uniform(LIMITS.lower, LIMITS.upper)
    reached = LIMITS.waypoints(start, TIMES, rng.normal(scale=3.0, size=(4, 2)))
    assert (reached >= LIMITS.lower).all()
    assert (reached <= LIMITS.upper).all()
    steps = np.diff(reached, axis=0, prepend=start[None])
    speeds = np.abs(steps) / np.diff(TIMES, prepend=0.0)[:, None]
    assert (speeds <= LIMITS.max_velocity + 1e-9).all()


def test_waypoints_within_the_limits_are_not_touched():
    wanted = np.array([[0.01, 0.021], [0.02, 0.022], [0.03, 0.023], [0.04, 0.024]])
    reached = LIMITS.waypoints(np.array([0.0, 0.02]), TIMES, wanted)
    np.testing.assert_array_equal(reached, wanted)


def test_a_joint_that_starts_outside_is_brought_back_no_faster_than_allowed():
    reached = LIMITS.waypoints(np.array([3.0, 0.02]), TIMES, np.zeros((4, 2)))
    assert reached[0, 0] == pytest.approx(3.0 - 2.0 * 0.03)


@pytest.mark.parametrize("speed", [-3.0, 3.0])
def test_the_velocity_at_the_start_cannot_carry_a_joint_past_its_limit(speed):
    place = np.array([np.sign(speed) * 1.999, 0.02])
    start = LIMITS.start(Setpoint(place, np.array([speed, 0.0])), 0.04)
    path = through(0, start, np.array([0.04]), place[None])
    furthest = max(abs(path.sample(t).positions[0]) for t in range(0, 40_000_000, 500_000))
    assert furthest <= 2.0 + 1e-9


def test_velocities_are_scaled():
    assert JointLimits.of([JOINT], 0.5).max_velocity == 1.5


def test_a_scale_of_zero_is_refused():
    with pytest.raises(ConfigError, match="`velocity_scale` must be above 0"):
        JointLimits.of([JOINT], 0.0)
