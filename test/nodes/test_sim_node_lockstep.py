# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import os

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")

from ros_process import Listener, start
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from dp_accel_ros.evaluate.demo.child import stop_all
from dp_accel_ros.nodes.messages import ns_to_stamp, stamp_to_ns

pytestmark = pytest.mark.ros
DOMAIN = 70 + os.getpid() % 10
TICK_NS = 40_000_000


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    listener = Listener(DOMAIN)
    listener.listen(Clock, "/clock")
    listener.listen(JointState, "joint_states")
    listener.sender = listener.node.create_publisher(JointTrajectory, "joint_trajectory", 10)
    child = start("sim_node", DOMAIN, tmp_path_factory.mktemp("sim"), lockstep=True)
    listener.until(lambda: listener.heard["/clock"] or child.exit_code is not None)
    child.check()
    listener.until(lambda: listener.sender.get_subscription_count())
    yield listener
    stop_all([child])
    listener.close()


def now_ns(world) -> int:
    return stamp_to_ns(world.messages("/clock", 1)[-1].clock)


def answer(world, stamp_ns: int) -> None:
    state = world.heard["joint_states"][-1]
    msg = JointTrajectory(joint_names=state.name)
    msg.header.stamp = ns_to_stamp(stamp_ns)
    point = JointTrajectoryPoint(positions=state.position)
    point.time_from_start.nanosec = 100_000_000
    msg.points = [point]
    world.sender.publish(msg)


def test_time_stands_still_until_the_tick_is_answered(world):
    # an unanswered tick is shown again and again
    assert now_ns(world) == now_ns(world)


def test_the_answer_to_a_tick_brings_the_next_one_and_no_more(world):
    before = now_ns(world)
    answer(world, before)
    assert [now_ns(world), now_ns(world)] == [before + TICK_NS, before + TICK_NS]


def test_an_answer_to_another_tick_brings_nothing(world):
    before = now_ns(world)
    answer(world, before - TICK_NS)
    assert [now_ns(world), now_ns(world)] == [before, before]


def test_a_reset_shows_the_new_world_at_a_later_time(world):
    before = now_ns(world)
    world.call(Trigger, "sim_node/reset")
    assert now_ns(world) == before + TICK_NS
