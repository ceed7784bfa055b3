# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""scheduler_node as a process; the test is its clock, its arm and its policy."""

import os
from itertools import count

import numpy as np
import pytest

pytest.importorskip("rclpy")

from diagnostic_msgs.msg import DiagnosticArray
from ros_process import Listener, start
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

from dp_accel_ros.chunk import ActionChunk, Cost
from dp_accel_ros.evaluate.demo.child import stop_all
from dp_accel_ros.nodes.diagnostics import INFERENCE, OK, array_of, inference_values, status
from dp_accel_ros.nodes.messages import (
    chunk_to_msg,
    joint_state_to_msg,
    ns_to_stamp,
    stamp_to_ns,
)

pytestmark = pytest.mark.ros
DOMAIN = 40 + os.getpid() % 20
STEP_NS = 40_000_000
NAMES = (*(f"joint{i}" for i in range(1, 8)), "finger_joint")


class World(Listener):
    """Tells the time, shows the arm at rest at zero, and sends chunks."""

    def __init__(self):
        super().__init__(DOMAIN)
        self.listen(JointTrajectory, "joint_trajectory")
        self.listen(DiagnosticArray, "/diagnostics")
        make = self.node.create_publisher
        self.clock, self.joints = make(Clock, "/clock", 10), make(JointState, "joint_states", 10)
        self.chunks = make(JointTrajectory, "policy/action_chunk", 10)
        self.inferences = make(DiagnosticArray, INFERENCE, 10)
        self.sent = self.heard["joint_trajectory"]

    def ready(self):
        return all(
            publisher.get_subscription_count() > 0
            for publisher in (self.clock, self.joints, self.chunks, self.inferences)
        )

    def show(self, time_ns):
        """Let it be a time, as a simulation does: sensors first."""
        self.joints.publish(joint_state_to_msg(NAMES, time_ns, np.zeros(8), np.zeros(8)))
        self.clock.publish(Clock(clock=ns_to_stamp(time_ns)))

    def think(self, time_ns, epoch, sequence):
        """Send the chunk that answers an observation."""
        values = inference_values(Cost("alt", 0), epoch, sequence, seed=0)
        self.inferences.publish(array_of(time_ns, [status(INFERENCE, OK, "", values)]))
        actions = np.full((15, 8), 0.01, np.float32)
        self.chunks.publish(chunk_to_msg(ActionChunk(actions, time_ns, 0.04), NAMES))

    def newest_ns(self):
        return stamp_to_ns(self.sent[-1].header.stamp) if self.sent else None

    def scheduler_knows_the_time(self, time_ns):
        """Say whether the scheduler's own clock shows a time."""
        heard = self.heard["/diagnostics"]
        return bool(heard) and stamp_to_ns(heard[-1].header.stamp) == time_ns

    def shown_until(self, time_ns, true):
        """Show a time again and again, as a simulation does that waits for its answer."""

        def shown_and_true():
            self.show(time_ns)
            return true()

        self.until(shown_and_true)


@pytest.fixture
def world():
    made = World()
    yield made
    made.close()


@pytest.fixture
def scheduler(world, tiny_bundle, tmp_path, request):
    """Run the scheduler in simulated time; it must end cleanly."""
    timed = {"use_sim_time": "true", "lockstep": request.param, "bundle": tiny_bundle.path}
    child = start("scheduler_node", DOMAIN, tmp_path, **timed)
    try:
        world.until(world.ready)
        yield child
    finally:
        stop_all([child])
    assert child.exit_code == 0, child.tail()


@pytest.mark.parametrize("scheduler", ["true"], indirect=True)
def test_in_lockstep_a_step_waits_for_its_chunk_and_time_may_go_back(world, scheduler):
    begin = 100 * STEP_NS
    world.shown_until(begin, lambda: world.scheduler_knows_the_time(begin))
    assert not world.sent
    world.think(begin, epoch=1, sequence=0)
    for step in range(3):
        now_ns = begin + step * STEP_NS
        world.shown_until(now_ns, lambda now_ns=now_ns: world.newest_ns() == now_ns)
    stamps = {stamp_to_ns(msg.header.stamp) for msg in world.sent}
    assert stamps == {begin, begin + STEP_NS, begin + 2 * STEP_NS}

    earlier = 10 * STEP_NS
    world.shown_until(earlier, lambda: "time went back" in scheduler.log.read_text())
    world.think(earlier, epoch=2, sequence=0)
    world.shown_until(earlier, lambda: world.newest_ns() == earlier)


@pytest.mark.parametrize("scheduler", ["false"], indirect=True)
def test_without_lockstep_ticks_follow_the_clock_and_wait_for_nobody(world, scheduler):
    steps = count(100)

    def time_passes():
        world.show(next(steps) * STEP_NS)
        return len(world.sent) >= 10

    world.until(time_passes)
    stamps = [stamp_to_ns(msg.header.stamp) for msg in world.sent]
    assert not any(stamp % STEP_NS for stamp in stamps)
    assert (np.diff(stamps) > 0).all()
    assert not any(np.any(point.positions) for msg in world.sent for point in msg.points)


def test_lockstep_without_simulated_time_is_refused(world, tiny_bundle, tmp_path):
    child = start("scheduler_node", DOMAIN, tmp_path, lockstep="true", bundle=tiny_bundle.path)
    world.until(lambda: child.exit_code is not None)
    assert child.exit_code == 1
    assert "`lockstep` needs `use_sim_time`" in child.log.read_text()
