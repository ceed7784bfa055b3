# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The simulated planar robot of Push-T: 10 Hz control, and a state on a topic."""

import os
from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")
pytest.importorskip("gym_pusht", reason="Push-T needs gym-pusht")

from rclpy.qos import qos_profile_sensor_data
from ros_process import Listener, start
from sensor_msgs.msg import Image, JointState

from dp_accel_ros.evaluate.demo.child import stop_all
from dp_accel_ros.nodes.messages import joint_state_to_array, stamp_to_ns
from dp_accel_ros.nodes.sim_messages import STATE
from dp_accel_ros.sim.tee import CORNERS_M, STATE_NAMES

pytestmark = pytest.mark.ros
DOMAIN = 70 + os.getpid() % 10
MS = 1_000_000


@pytest.fixture(scope="module")
def listener():
    made = Listener(DOMAIN)
    made.listen(Image, "camera/top/image_raw", qos_profile_sensor_data)
    made.listen(JointState, "joint_states")
    made.listen(JointState, STATE)
    yield made
    made.close()


@pytest.fixture(scope="module", autouse=True)
def sim(listener, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sim")
    child = start("sim_node", DOMAIN, folder, task="pusht", seed=100_000, publish_images=False)
    listener.until(lambda: listener.heard[STATE] or child.exit_code is not None)
    child.check()
    yield child
    stop_all([child])
    assert child.exit_code == 0, child.tail()


def test_states_come_every_100_ms_with_the_stamp_of_a_joint_state(listener):
    stamps = [stamp_to_ns(msg.header.stamp) for msg in listener.messages(STATE, 5)]
    listener.messages("joint_states", 5)
    joints = {stamp_to_ns(msg.header.stamp) for msg in listener.heard["joint_states"]}
    assert all((b - a) % (100 * MS) == 0 < b - a for a, b in pairwise(stamps))
    # the first may be older than the first joint state that was heard
    assert set(stamps[1:]) <= joints


def test_a_state_is_the_corners_of_the_tee_by_name(listener):
    (msg,) = listener.messages(STATE, 1)
    assert tuple(msg.name) == STATE_NAMES
    seen = joint_state_to_array(msg, STATE_NAMES)[:16].reshape(8, 2)
    widths = np.linalg.norm(np.diff(seen, axis=0), axis=1)
    np.testing.assert_allclose(widths, np.linalg.norm(np.diff(CORNERS_M, axis=0), axis=1))


def test_joint_states_are_the_two_axes_of_the_pusher(listener):
    (msg,) = listener.messages("joint_states", 1)
    assert list(msg.name) == ["pusher_x", "pusher_y"]
    np.testing.assert_allclose(msg.position, [0.235, 0.124], atol=1e-6)


def test_without_images_no_camera_says_anything(listener):
    assert not listener.heard["camera/top/image_raw"]
