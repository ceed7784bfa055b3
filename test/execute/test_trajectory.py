# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from dp_accel_ros.execute.trajectory import Setpoint, braking, resting, through

TIMES = np.array([0.04, 0.08, 0.12, 0.20])


def walk(seed):
    rng = np.random.default_rng(seed)
    start = Setpoint(rng.normal(size=3), np.zeros(3))
    return through(0, start, TIMES, rng.normal(size=(4, 3)))


def test_a_trajectory_passes_through_its_waypoints():
    trajectory = walk(0)
    reached = [trajectory.sample(round(t * 1e9)).positions for t in trajectory.times_s]
    np.testing.assert_allclose(reached, trajectory.positions, atol=1e-9)


def test_the_velocity_is_the_derivative_of_the_position():
    trajectory = walk(1)
    for now_ns in range(1_000_000, 199_000_000, 7_300_000):
        before, after = (trajectory.sample(now_ns + d).positions for d in (-1000, 1000))
        velocity = trajectory.sample(now_ns).velocities
        np.testing.assert_allclose((after - before) / 2e-6, velocity, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("seed", range(20))
def test_motion_from_rest_stays_between_neighbouring_waypoints(seed):
    trajectory = walk(seed)
    for k, (begin, end) in enumerate(
        zip(trajectory.times_s[:-1], trajectory.times_s[1:], strict=True)
    ):
        low, high = np.sort(trajectory.positions[k : k + 2], axis=0)
        for time_s in np.linspace(begin, end, 9):
            here = trajectory.sample(round(time_s * 1e9)).positions
            assert (here >= low - 1e-9).all()
            assert (here <= high + 1e-9).all()


def test_the_last_velocity_is_zero_and_the_arm_stays_after_the_end():
    trajectory = walk(2)
    assert not trajectory.velocities[-1].any()
    later = trajectory.sample(trajectory.end_ns + 10**9)
    np.testing.assert_array_equal(later.positions, trajectory.positions[-1])
    assert not later.velocities.any()


@pytest.mark.parametrize("now_ns", [0, 13_000_000, 41_000_000, 100_000_000, 150_000_000])
def test_a_restarted_trajectory_is_the_same_motion(now_ns):
    trajectory = walk(3)
    restarted = trajectory.restarted(now_ns, min_gap_s=0.001, min_length_s=0.05)
    for later_ns in range(now_ns, trajectory.end_ns + 40_000_000, 3_000_000):
        ours, theirs = restarted.sample(later_ns), trajectory.sample(later_ns)
        np.testing.assert_allclose(ours.positions, theirs.positions, atol=1e-9)


def test_a_restarted_trajectory_lasts_long_enough_even_when_all_is_past():
    restarted = walk(4).restarted(10**9, min_gap_s=0.001, min_length_s=0.1)
    np.testing.assert_allclose(restarted.times_s, [0.0, 0.1])
    np.testing.assert_array_equal(restarted.positions[0], restarted.positions[1])


def test_a_sample_is_a_copy():
    trajectory = resting(0, np.zeros(2), 0.04)
    trajectory.sample(0).positions[:] = 9.0
    assert not trajectory.positions.any()


def test_braking_slows_down_evenly_to_rest():
    start = Setpoint(np.zeros(1), np.ones(1))
    trajectory = braking(0, start, 0.2, np.full(1, -9.0), np.full(1, 9.0))
    speeds = [trajectory.sample(round(t * 1e9)).velocities[0] for t in (0.0, 0.05, 0.1, 0.15)]
    np.testing.assert_allclose(speeds, [1.0, 0.75, 0.5, 0.25], atol=1e-9)


def test_braking_ends_inside_the_limits():
    start = Setpoint(np.array([0.99]), np.ones(1))
    trajectory = braking(0, start, 0.2, np.full(1, -1.0), np.full(1, 1.0))
    assert trajectory.positions[-1] <= 1.0
