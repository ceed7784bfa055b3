# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Simulated time that waits for the policy: nothing may depend on how fast this machine is."""

import os

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")
pytest.importorskip("onnxruntime")

from diagnostic_msgs.msg import DiagnosticArray
from ros_process import Listener, start
from trajectory_msgs.msg import JointTrajectory

from dp_accel_ros.evaluate.demo.child import stop_all
from dp_accel_ros.nodes.diagnostics import INFERENCE, values_in
from dp_accel_ros.nodes.messages import stamp_to_ns

pytestmark = [pytest.mark.ros, pytest.mark.slow]
DOMAIN = 40 + os.getpid() % 20
N_TICKS = 60
STEP_NS = 40_000_000


def stamps_in(listener, topic):
    return {stamp_to_ns(msg.header.stamp) for msg in list(listener.heard[topic])}


def run_once(bundle, folder, method):
    """Return the commands by stamp and the sequence numbers of the chunks by stamp.

    The scheduler comes last, when the first chunk was sent already and nobody moves.
    """
    listener = Listener(DOMAIN)
    listener.listen(JointTrajectory, "joint_trajectory")
    listener.listen(DiagnosticArray, INFERENCE)
    timed = {"use_sim_time": "true", "bundle": bundle}
    policy = {"method": method, "max_observation_age_s": 10.0}
    children = [
        start("policy_node", DOMAIN, folder, **policy, **timed),
        start("sim_node", DOMAIN, folder, lockstep="true", seed=3),
    ]
    try:
        listener.until(lambda: stamps_in(listener, INFERENCE))
        assert not listener.heard["joint_trajectory"]
        children.append(start("scheduler_node", DOMAIN, folder, lockstep="true", **timed))
        # a step's command is sent again when the step is shown again, so messages are not steps
        listener.until(lambda: len(stamps_in(listener, "joint_trajectory")) >= N_TICKS + 5)
        listener.until(lambda: len(stamps_in(listener, INFERENCE)) >= N_TICKS // 10)
    finally:
        stop_all(children)
    sent = {stamp_to_ns(msg.header.stamp): msg for msg in listener.heard["joint_trajectory"]}
    chunks = {
        stamp_to_ns(msg.header.stamp): int(values_in(msg, INFERENCE)["sequence"])
        for msg in listener.heard[INFERENCE]
    }
    listener.close()
    assert [child.exit_code for child in children] == [0, 0, 0]
    return sent, chunks


@pytest.fixture(scope="module")
def run(tiny_bundle, tmp_path_factory):
    return run_once(tiny_bundle.path, tmp_path_factory.mktemp("lockstep"), "ddpm")


def test_each_control_step_has_one_command(run):
    sent, _ = run
    assert set(np.diff(sorted(sent))[:N_TICKS]) == {STEP_NS}


def test_a_chunk_serves_as_many_steps_as_lie_between_two_chunks(run):
    _, chunks = run
    assert set(np.diff(sorted(chunks))) == {8 * STEP_NS}
    assert sorted(chunks.values()) == list(range(len(chunks)))


def test_no_action_of_a_chunk_is_late(run):
    sent, chunks = run
    followed = [stamp for stamp in sorted(chunks) if stamp in sent]
    assert len(followed) >= 5
    for stamp in followed:
        assert len(sent[stamp].points) == 15
