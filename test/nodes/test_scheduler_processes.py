# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The learned scheduler in its node, beside the policy that obeys it, as processes."""

import os
import signal

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from diagnostic_msgs.msg import DiagnosticArray
from ros_process import Listener, start
from scheduler_toys import scheduled_bundle
from trajectory_msgs.msg import JointTrajectory

from dp_accel_ros.evaluate.demo.child import stop_all
from dp_accel_ros.nodes.diagnostics import DECISION, INFERENCE, OK, WARN, values_in

pytestmark = [pytest.mark.ros, pytest.mark.slow]
DOMAIN = 160 + os.getpid() % 10
# nothing is drafted without a decision, and the actor always drafts
PATIENT = {"max_observation_age_s": 5.0, "nice": 0, "method": "tsdp"}
OWN = {"tsdp.lengths": "fixed", "tsdp.draft_length": 0}
PATIENT_ARM = {"execution.joint_timeout_s": 5.0}


class Room(Listener):
    """Listens to what is decided and what is made of it."""

    def __init__(self, domain):
        super().__init__(domain)
        self.listen(JointTrajectory, "joint_trajectory")
        for topic in (DECISION, INFERENCE, "/diagnostics"):
            self.listen(DiagnosticArray, topic)

    def newest(self, topic):
        """Return the values of the newest message on a topic."""
        heard = self.heard[topic]
        return values_in(heard[-1], topic) if heard else {}

    def is_drafted(self):
        """Say whether drafts went into the newest chunk."""
        return int(self.newest(INFERENCE)["drafts"]) > 0

    def status(self, name):
        """Return the newest status with a name, or None."""
        found = [one for msg in self.heard["/diagnostics"] for one in msg.status]
        return next((one for one in reversed(found) if one.name == name), None)

    def says(self, name, level, words):
        """Say whether the newest status with a name has a level and some words."""
        shown = self.status(name)
        return shown is not None and shown.level == level and words in shown.message


@pytest.fixture(scope="module")
def room():
    made = Room(DOMAIN)
    yield made
    made.close()


@pytest.fixture(scope="module")
def bundle(tiny_bundle, tmp_path_factory):
    return scheduled_bundle(tiny_bundle, tmp_path_factory.mktemp("bundle")).path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("nodes")


@pytest.fixture(scope="module")
def policy(room, bundle, folder):
    """Run the arm and the policy, without a scheduler."""
    running = [
        start("sim_node", DOMAIN, folder),
        start("policy_node", DOMAIN, folder, bundle=bundle, **PATIENT, **OWN),
    ]
    room.until(lambda: room.newest(INFERENCE))
    yield running[1]
    stop_all(running)
    assert [child.exit_code for child in running] == [0, 0]


@pytest.fixture(scope="module")
def scheduler(room, policy, bundle, folder):
    child = start("scheduler_node", DOMAIN, folder, bundle=bundle, scheduler="ppo", **PATIENT_ARM)
    yield child
    stop_all([child])
    assert child.exit_code == 0


def test_without_a_scheduler_the_parameters_apply_and_diagnostics_warn(room, policy):
    room.until(lambda: room.says("policy_node: decision", WARN, "no decision was ever heard"))
    assert not room.is_drafted()


def test_the_policy_drafts_as_the_actor_plans(room, scheduler):
    # K is 1 until the scheduler knows a chunk that was speculated for, then 10
    room.until(lambda: room.newest(DECISION).get("draft_length") == "10 10 10")
    room.until(room.is_drafted)
    room.until(lambda: room.says("policy_node: decision", OK, "ppo"))


def test_deciding_costs_no_tick(room, scheduler):
    room.until(lambda: room.says("scheduler_node: decision", OK, "ppo"))
    decided, sent = room.messages(DECISION, 10), room.heard["joint_trajectory"]
    stamps = {(m.header.stamp.sec, m.header.stamp.nanosec) for m in sent}
    assert all((m.header.stamp.sec, m.header.stamp.nanosec) in stamps for m in decided)
    values = {p.key: p.value for p in room.status("scheduler_node: decision").values}
    assert float(values["decide_p50_ms"]) < 4.0


def test_a_silent_scheduler_leaves_the_policy_to_its_parameters(room, policy, scheduler):
    os.kill(scheduler.pid, signal.SIGSTOP)
    try:
        room.until(lambda: not room.is_drafted())
        room.until(lambda: room.says("policy_node: decision", WARN, "old; the parameters apply"))
    finally:
        os.kill(scheduler.pid, signal.SIGCONT)
    room.until(lambda: "scheduler/decision: the newest decision is" in policy.log.read_text())
    room.until(room.is_drafted)
