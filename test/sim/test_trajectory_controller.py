# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from dp_accel_ros.sim.trajectory_controller import (
    Accepted,
    JointPath,
    Refused,
    TrajectoryController,
)

S = 1_000_000_000
NOW = 50 * S


def path(positions, times, *, velocities=None, stamp_ns=0, names=("a", "b")) -> JointPath:
    """Return a path whose second joint does twice what the first does."""
    both = np.outer(positions, [1.0, 2.0])
    speeds = None if velocities is None else np.outer(velocities, [1.0, 2.0])
    return JointPath(
        stamp_ns=stamp_ns,
        joint_names=names,
        positions=both,
        velocities=speeds,
        times_from_start_s=np.asarray(times, dtype=float),
    )


@pytest.fixture
def controller():
    return TrajectoryController(("a", "b"), np.zeros(2))


def refusal(controller, trajectory: JointPath) -> str:
    """Return the reason for which `trajectory` is refused, after checking that nothing moved."""
    result = controller.accept(trajectory, NOW)
    assert isinstance(result, Refused)
    assert not controller.sample(NOW + 10 * S)[0].any()
    return result.reason


def test_without_a_trajectory_it_holds(controller):
    positions, velocities = controller.sample(NOW)
    assert positions.tolist() == [0.0, 0.0]
    assert velocities.tolist() == [0.0, 0.0]


def test_a_stamp_of_zero_means_now(controller):
    assert controller.accept(path([1.0], [2.0]), NOW) == Accepted(0)
    np.testing.assert_allclose(controller.sample(NOW + S)[0], [0.5, 1.0])


def test_positions_alone_are_joined_by_lines(controller):
    controller.accept(path([1.0, 2.0], [1.0, 3.0]), NOW)
    positions, velocities = controller.sample(NOW + 2 * S)
    np.testing.assert_allclose(positions, [1.5, 3.0])
    np.testing.assert_allclose(velocities, [0.5, 1.0])


def test_with_velocities_the_path_is_the_cubic_through_both(controller):
    controller.accept(path([0.0, 1.0], [0.0, 1.0], velocities=[3.0, 0.0]), NOW)
    for phase in (0.0, 0.25, 0.6, 0.99):
        positions, velocities = controller.sample(NOW + int(phase * S))
        assert positions[0] == pytest.approx(3 * phase - 3 * phase**2 + phase**3)
        assert velocities[0] == pytest.approx(3 - 6 * phase + 3 * phase**2, abs=1e-6)


def test_a_cubic_starts_with_the_velocity_that_was_desired_before(controller):
    controller.accept(path([1.0, 2.0], [1.0, 2.0]), NOW)
    controller.accept(path([2.0], [1.0], velocities=[0.0]), NOW + S // 2)
    positions, velocities = controller.sample(NOW + S // 2)
    np.testing.assert_allclose(positions, [0.5, 1.0])
    np.testing.assert_allclose(velocities, [1.0, 2.0])


def test_a_new_trajectory_replaces_the_old_one_at_once(controller):
    controller.accept(path([10.0], [10.0]), NOW)
    controller.accept(path([1.0], [4.0], stamp_ns=NOW + S), NOW + S)
    np.testing.assert_allclose(controller.sample(NOW + 3 * S)[0], [1.0, 2.0])


def test_before_the_first_point_it_starts_from_the_desired_state(controller):
    controller.accept(path([4.0], [4.0]), NOW)
    controller.accept(path([5.0], [4.0], stamp_ns=NOW), NOW + 2 * S)
    np.testing.assert_allclose(controller.sample(NOW + 3 * S)[0], [3.5, 7.0])


def test_points_in_the_past_are_dropped_and_the_last_of_them_is_interpolated_from(controller):
    trajectory = path([1.0, 2.0, 3.0], [1.0, 2.0, 4.0], stamp_ns=NOW - 3 * S)
    assert controller.accept(trajectory, NOW) == Accepted(2)
    np.testing.assert_allclose(controller.sample(NOW)[0], [2.5, 5.0])


def test_a_start_in_the_future_is_approached_from_the_desired_state(controller):
    controller.accept(path([1.0], [1.0], stamp_ns=NOW + S), NOW)
    np.testing.assert_allclose(controller.sample(NOW + S)[0], [0.5, 1.0])


def test_after_the_last_point_it_holds(controller):
    controller.accept(path([1.0], [1.0]), NOW)
    positions, velocities = controller.sample(NOW + 9 * S)
    assert positions.tolist() == [1.0, 2.0]
    assert velocities.tolist() == [0.0, 0.0]


def test_hold_forgets_the_trajectory(controller):
    controller.accept(path([1.0], [1.0]), NOW)
    controller.hold(np.array([7.0, 8.0]))
    assert controller.sample(NOW + S // 2)[0].tolist() == [7.0, 8.0]


def test_joints_may_come_in_any_order(controller):
    controller.accept(path([1.0], [1.0], names=("b", "a")), NOW)
    assert controller.sample(NOW + S)[0].tolist() == [2.0, 1.0]


def test_what_it_returns_can_be_changed_without_harm(controller):
    controller.accept(path([1.0], [1.0]), NOW)
    controller.sample(NOW + S)[0][:] = 99.0
    assert controller.sample(NOW + S)[0].tolist() == [1.0, 2.0]


def test_a_trajectory_that_is_all_past_is_refused(controller):
    reason = refusal(controller, path([1.0, 2.0], [1.0, 2.0], stamp_ns=NOW - 3 * S))
    assert reason == (
        "`times_from_start_s` must reach past now, got a last point 1.000 s in the past"
    )


def test_missing_and_unknown_joints_are_refused_by_name(controller):
    reason = refusal(controller, path([1.0], [1.0], names=("a", "c")))
    assert "must be a, b in any order, got missing: b; unknown: c" in reason


def test_a_joint_that_is_named_twice_is_refused():
    controller = TrajectoryController(("a",), np.zeros(1))
    assert "name each joint once, got a, a" in refusal(
        controller, path([1.0], [1.0], names=("a", "a"))
    )


def test_times_that_do_not_increase_are_refused(controller):
    reason = refusal(controller, path([1.0, 2.0], [1.0, 1.0]))
    assert "must increase from point to point, got 1.000 s after 1.000 s at point 1" in reason


def test_a_last_velocity_other_than_zero_is_refused(controller):
    reason = refusal(controller, path([1.0], [1.0], velocities=[0.5]))
    assert "`velocities` must be 0 at the last point" in reason
    assert "got a 0.5000, b 1.0000" in reason


def test_a_last_velocity_other_than_zero_is_accepted_where_that_is_allowed():
    controller = TrajectoryController(
        ("a", "b"), np.zeros(2), allow_nonzero_velocity_at_trajectory_end=True
    )
    assert controller.accept(path([1.0], [1.0], velocities=[0.5]), NOW) == Accepted(0)


def test_nan_is_refused(controller):
    reason = refusal(controller, path([1.0, np.nan], [1.0, 2.0]))
    assert reason == "`positions` must be finite, got 2 of 4 NaN or infinite"


def test_a_trajectory_without_points_is_refused(controller):
    assert "at least one point, got none" in refusal(controller, path([], []))


def test_arrays_of_the_wrong_shape_are_refused(controller):
    wrong = JointPath(
        stamp_ns=0,
        joint_names=("a", "b"),
        positions=np.zeros((2, 3)),
        times_from_start_s=np.array([1.0, 2.0]),
    )
    assert "`positions` must have shape (2, 2), got (2, 3)" in refusal(controller, wrong)


def test_velocities_of_the_wrong_shape_are_refused(controller):
    wrong = JointPath(
        stamp_ns=0,
        joint_names=("a", "b"),
        positions=np.zeros((2, 2)),
        velocities=np.zeros((1, 2)),
        times_from_start_s=np.array([1.0, 2.0]),
    )
    assert "`velocities` must have shape (2, 2), got (1, 2)" in refusal(controller, wrong)
