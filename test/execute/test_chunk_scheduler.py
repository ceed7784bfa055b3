# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from scheduling import DT, HOME, LIMITS, chunk, ns, offered, scheduler

from dp_accel_ros.execute.admission import OfferedChunk, Refusal
from dp_accel_ros.execute.chunk_scheduler import ChunkScheduler
from dp_accel_ros.execute.execution_config import ExecutionConfig
from dp_accel_ros.execute.plan import Hold


def following(step=1.0, **settings):
    """Return a scheduler that follows a chunk since a step."""
    made = scheduler(**settings)
    assert made.push(offered(0), ns(step)) is None
    made.at(ns(step))
    return made


def away(*offset):
    """Return positions at an offset from home."""
    return HOME + np.array(offset)


def test_without_joint_states_nothing_is_said():
    made = ChunkScheduler(LIMITS, np.array([True, False]), DT, ExecutionConfig())
    plan = made.at(ns(0))
    assert plan.trajectory is None
    assert plan.hold is Hold.NO_JOINT_STATES


def test_before_the_first_chunk_the_arm_holds_where_it_was_measured():
    plan = scheduler().at(ns(1))
    assert plan.hold is Hold.NO_CHUNK
    assert (plan.trajectory.positions == HOME).all()
    assert not plan.trajectory.velocities.any()


def test_the_first_chunk_starts_from_the_measured_joints():
    made = scheduler()
    made.push(offered(0, base=away(0.05, 0.0)), ns(1))
    plan = made.at(ns(1))
    np.testing.assert_array_equal(plan.trajectory.positions[0], HOME)
    assert plan.first_use


def test_only_the_first_tick_on_a_chunk_is_its_first_use():
    made = following()
    assert not made.at(ns(2)).first_use


def test_the_plan_starts_now_and_its_points_are_due_when_the_chunk_says():
    plan = following().at(ns(2.25))
    assert plan.trajectory.start_ns == ns(2.25)
    np.testing.assert_allclose(plan.trajectory.times_s[:3], [0.0, 0.03, 0.07], atol=1e-9)


def test_a_chunk_that_arrives_late_drops_its_past_actions():
    made = scheduler(blend_s=0.0)
    made.push(offered(0), ns(5.2))
    plan = made.at(ns(5.2))
    assert made.counts().late_actions == 6
    np.testing.assert_allclose(plan.trajectory.positions[1:, 0], 0.1 + 0.01 * np.arange(6, 15))


def test_the_arm_ends_on_the_course_of_the_chunk():
    made = following()
    end = chunk(0).actions[-1]
    np.testing.assert_allclose(made.at(ns(8)).trajectory.positions[-1], end, atol=1e-6)


@pytest.mark.parametrize("step", [1.5, 3.0, 8.3, 13.9, 20.0])
def test_the_last_velocity_is_zero(step):
    assert not following().at(ns(step)).trajectory.velocities[-1].any()


def test_the_plan_starts_where_the_arm_was_last_commanded():
    made = following()
    before = made.at(ns(6)).trajectory
    made.push(offered(5, sequence=2, rate=-0.02), ns(6.4))
    after = made.at(ns(7)).trajectory
    told = before.sample(ns(7))
    np.testing.assert_allclose(after.positions[0], told.positions, atol=1e-9)
    np.testing.assert_allclose(after.velocities[0], told.velocities, atol=1e-6)


def test_position_and_velocity_are_continuous_over_random_chunks():
    rng = np.random.default_rng(3)
    made, told = scheduler(), None
    for tick in range(200):
        now = tick + 0.3
        made.observe(ns(now), HOME)
        if tick % 8 == 0:
            base = HOME + rng.normal(scale=[0.1, 0.005])
            made.push(offered(tick - 1, sequence=tick, base=base, rate=0.02), ns(now))
        plan = made.at(ns(now)).trajectory
        if told is not None:
            expected = told.sample(ns(now))
            np.testing.assert_allclose(plan.positions[0], expected.positions, atol=1e-9)
            np.testing.assert_allclose(plan.velocities[0], expected.velocities, atol=1e-6)
        told = plan


def test_every_plan_stays_within_the_limits():
    rng = np.random.default_rng(4)
    made = scheduler(max_course_error_rad=0.0)
    for tick in range(200):
        now = ns(tick + 0.1)
        made.observe(now, HOME)
        base = rng.normal(scale=[3.0, 0.1])
        made.push(offered(tick - 2, sequence=tick, base=base, rate=0.3), now)
        plan = made.at(now).trajectory
        for later in range(now, plan.end_ns, 7_000_000):
            here = plan.sample(later).positions
            assert (here >= LIMITS.lower - 1e-9).all()
            assert (here <= LIMITS.upper + 1e-9).all()


def test_it_holds_when_the_chunk_is_exhausted():
    made = following()
    made.observe(ns(14), HOME)
    plan = made.at(ns(14.5))
    assert plan.hold is Hold.EXHAUSTED
    np.testing.assert_allclose(plan.trajectory.positions, [chunk(0).actions[-1]] * 2)


def test_a_new_chunk_ends_the_hold():
    made = following()
    made.observe(ns(14.5), HOME)
    made.at(ns(14.5))
    made.push(offered(14, sequence=2), ns(15))
    assert made.at(ns(15)).hold is None


def test_a_stale_observation_stops_the_arm_before_the_chunk_ends():
    plan = following(max_observation_age_s=0.2).at(ns(5.5))
    assert plan.hold is Hold.STALE_OBSERVATION
    assert plan.trajectory.velocities[0].any()
    assert not plan.trajectory.velocities[-1].any()


def test_the_arm_comes_to_rest_when_joint_states_stop():
    made = following(joint_timeout_s=0.1)
    assert made.at(ns(2)).hold is None
    assert made.at(ns(3)).hold is Hold.STALE_JOINT_STATES
    assert not made.at(ns(9)).trajectory.velocities.any()


def test_an_arm_that_is_elsewhere_drops_the_chunk_and_holds_where_it_is():
    made = following()
    elsewhere = away(0.8, 0.0)
    made.observe(ns(2), elsewhere)
    plan = made.at(ns(2))
    assert plan.hold is Hold.OFF_COURSE
    np.testing.assert_array_equal(plan.trajectory.positions[0], elsewhere)


def test_a_gripper_that_closes_on_a_thing_is_not_off_course():
    made = following(max_course_error_rad=0.01)
    made.observe(ns(1), away(0.0, 0.02))
    assert made.at(ns(1)).hold is None


def test_joints_that_are_not_finite_are_ignored():
    made = scheduler()
    made.observe(ns(1), np.array([np.nan, 0.0]))
    np.testing.assert_array_equal(made.at(ns(1)).trajectory.positions[0], HOME)


def test_refused_chunks_are_counted_by_reason_and_change_nothing():
    made = following()
    assert made.push(offered(0), ns(2)) is Refusal.DUPLICATE
    assert made.push(offered(0, epoch=0, sequence=9), ns(2)) is Refusal.OLD_EPOCH
    counts = made.counts()
    assert counts.refused == {Refusal.DUPLICATE: 1, Refusal.OLD_EPOCH: 1}
    assert counts.admitted == 1


def test_a_chunk_that_a_newer_one_overtakes_is_never_followed():
    made = scheduler()
    made.push(offered(0, sequence=1), ns(1))
    made.push(offered(0.5, sequence=2), ns(1))
    assert made.at(ns(1)).followed.sequence == 2
    assert made.counts().superseded == 1


def test_a_chunk_that_became_late_while_it_waited_is_dropped():
    made = scheduler()
    made.push(offered(0), ns(13))
    made.observe(ns(13), HOME)
    plan = made.at(ns(13.9))
    assert plan.hold is Hold.NO_CHUNK
    assert made.counts().refused == {Refusal.ALL_LATE: 1}


def test_after_a_reset_only_what_is_observed_since_then_counts():
    made = following()
    made.reset(ns(3))
    made.observe(ns(2), HOME)
    assert made.at(ns(3)).trajectory is None
    assert made.push(offered(2, sequence=2), ns(3)) is Refusal.BEFORE_RESET
    made.observe(ns(3.1), away(0.3, 0.0))
    plan = made.at(ns(4))
    assert plan.hold is Hold.RESET
    np.testing.assert_array_equal(plan.trajectory.positions[0], away(0.3, 0.0))


def test_time_may_go_back_with_a_reset():
    made = following()
    made.reset(ns(-10))
    made.observe(ns(-10), HOME)
    assert made.push(offered(-10, epoch=2), ns(-10)) is None
    assert made.at(ns(-10)).hold is None


def test_the_newest_chunk_is_known_while_it_waits_and_while_it_is_followed():
    made = scheduler()
    assert made.newest_stamp_ns() is None
    made.push(offered(1), ns(2))
    assert made.newest_stamp_ns() == ns(1)
    made.at(ns(2))
    assert made.newest_stamp_ns() == ns(1)


def test_the_last_command_is_the_safe_one():
    made = following()
    made.push(offered(1, sequence=2), ns(2))
    last = made.stop(ns(2))
    assert last.hold is Hold.STOPPED
    assert last.trajectory.times_s[-1] <= 0.25
    assert not made.at(ns(20)).trajectory.velocities.any()


def test_the_chunk_is_not_kept_by_reference_in_the_course():
    made = scheduler()
    mine = chunk(0)
    made.push(OfferedChunk(mine, 1, 1), ns(1))
    made.at(ns(1))
    mine.actions[:] = 9.0
    assert made.at(ns(2)).trajectory.positions.max() < 1.0


@pytest.mark.parametrize(
    ("refuse", "reason"), [(True, Refusal.OUT_OF_DISTRIBUTION), (False, None)]
)
def test_chunks_out_of_distribution_are_refused_on_request(refuse, reason):
    made = scheduler(refuse_ood=refuse)
    assert made.push(OfferedChunk(chunk(0), 1, 1, ood=True), ns(1)) is reason
