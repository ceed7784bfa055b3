# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.sim.base import JointSpec
from dp_accel_ros.sim.simulated_robot import SimulatedRobot
from dp_accel_ros.sim.trajectory_controller import Accepted, JointPath, Refused

MS = 1_000_000


class OneJoint:
    """A joint that is always where it was told to be; the goal lies beyond 0.5."""

    dt, physics_dt, max_ticks = 0.04, 0.002, 5
    joints = (JointSpec("joint", "rad", -1.0, 1.0, 2.0),)

    def __init__(self):
        self.position, self.seeds = 0.0, []

    def reset(self, seed):
        self.position = 0.0
        self.seeds.append(seed)

    def command(self, target):
        self.position = float(target[0])

    def advance(self, duration_s):
        pass

    def joint_positions(self):
        return np.array([self.position])

    def joint_velocities(self):
        return np.zeros(1)

    def images(self):
        return {"front": np.zeros((2, 2, 3), np.uint8)}

    def state(self):
        return np.array([self.position, 3.0])

    def success(self):
        return self.position > 0.5


def robot() -> SimulatedRobot:
    return SimulatedRobot(OneJoint(), seed=7, now_ns=0, slice_s=0.01, image_every=4)


def to(position: float, after_s: float, stamp_ns: int = 0) -> JointPath:
    return JointPath(
        stamp_ns=stamp_ns,
        joint_names=("joint",),
        positions=np.array([[position]]),
        times_from_start_s=np.array([after_s]),
    )


def run(robot, first_ms: int, last_ms: int):
    return [robot.advance(ms * MS) for ms in range(first_ms, last_ms + 1, 10)]


def test_the_arm_follows_the_trajectory_slice_by_slice():
    arm = robot()
    arm.follow(to(0.4, 0.04), 0)
    positions = [sensed.positions[0] for sensed in run(arm, 10, 60)]
    assert positions == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.4])


def test_images_come_with_the_joints_of_the_same_instant():
    imaged = [sensed.stamp_ns // MS for sensed in run(robot(), 10, 100) if sensed.images]
    assert imaged == [40, 80]


def test_the_state_comes_with_the_images_even_where_none_are_drawn():
    class Blind(OneJoint):
        def images(self):
            raise AssertionError("nobody may look")

    options = {"slice_s": 0.01, "image_every": 4, "with_images": False}
    arm = SimulatedRobot(Blind(), seed=7, now_ns=0, **options)
    told = [(s.stamp_ns // MS, s.state.tolist()) for s in run(arm, 10, 100) if s.state is not None]
    assert told == [(40, [0.0, 3.0]), (80, [0.0, 3.0])]


def test_success_stays_even_if_the_goal_is_lost_again():
    arm = robot()
    arm.follow(to(0.6, 0.02), 0)
    run(arm, 10, 40)
    arm.follow(to(0.0, 0.02), 40 * MS)
    run(arm, 50, 90)
    assert arm.episode.success_after_s == pytest.approx(0.02)


def test_an_episode_without_success_runs_out_of_time():
    arm = robot()
    run(arm, 10, 190)
    assert not arm.episode.time_is_up
    run(arm, 200, 200)
    assert arm.episode.time_is_up


def test_a_reset_counts_the_episode_and_leaves_time_alone():
    arm = robot()
    run(arm, 10, 50)
    arm.reset(9, 52 * MS)
    assert (arm.episode.number, arm.episode.seed, arm.episode.elapsed_s) == (1, 9, 0.0)
    assert arm.advance(60 * MS).stamp_ns == 60 * MS
    assert arm.task.seeds == [7, 9]


def test_a_trajectory_of_the_world_before_the_reset_does_not_tear_the_arm_away():
    arm = robot()
    answer = arm.follow(to(0.8, 0.0, stamp_ns=10 * MS), 10 * MS)
    assert isinstance(answer, Refused)
    assert "begins 0.80 rad from it" in answer.reason
    assert run(arm, 10, 20)[-1].positions == 0.0


def test_after_the_first_trajectory_jumps_are_the_senders_business():
    arm = robot()
    assert isinstance(arm.follow(to(0.005, 0.0, stamp_ns=MS), MS), Accepted)
    assert isinstance(arm.follow(to(0.8, 0.0, stamp_ns=2 * MS), 2 * MS), Accepted)


def test_a_slice_that_physics_cannot_make_is_refused():
    with pytest.raises(ConfigError, match=r"`slice_s` must be a multiple of 0.002 s"):
        SimulatedRobot(OneJoint(), seed=0, now_ns=0, slice_s=0.005, image_every=4)
