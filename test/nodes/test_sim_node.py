# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import os
import signal
from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import qos_profile_sensor_data
from ros_process import Listener, start
from sensor_msgs.msg import Image, JointState
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from dp_accel_ros.evaluate.demo.child import stop_all
from dp_accel_ros.nodes.diagnostics import values_in
from dp_accel_ros.nodes.messages import image_from_msg, stamp_to_ns
from dp_accel_ros.nodes.sim_messages import EPISODE, LATCHED, episode_from_values
from dp_accel_ros.sim.recording import Recording

pytestmark = pytest.mark.ros
DOMAIN = 60 + os.getpid() % 10
FRONT, WRIST = "camera/front/image_raw", "camera/wrist/image_raw"
MS = 1_000_000


@pytest.fixture(scope="module")
def listener():
    made = Listener(DOMAIN)
    for topic in (FRONT, WRIST):
        made.listen(Image, topic, qos_profile_sensor_data)
    made.listen(JointState, "joint_states")
    made.listen(DiagnosticArray, "/diagnostics")
    made.listen(DiagnosticArray, EPISODE, LATCHED)
    made.sender = made.node.create_publisher(JointTrajectory, "joint_trajectory", 10)
    yield made
    made.close()


@pytest.fixture(scope="module")
def sim(listener, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sim")
    child = start("sim_node", DOMAIN, folder, seed=40, record=folder / "sim.npz")
    listener.until(lambda: listener.heard[FRONT] or child.exit_code is not None)
    child.check()
    yield child
    stop_all([child])
    assert child.exit_code == 0, child.tail()
    recording = Recording.load(folder / "sim.npz")
    assert len(recording.stamp_ns) > 100
    assert set(recording.episode) == {0, 1, 2}


def stamps(messages) -> list[int]:
    return [stamp_to_ns(message.header.stamp) for message in messages]


def goal(names, positions, after_s: float) -> JointTrajectory:
    msg = JointTrajectory(joint_names=list(names))
    point = JointTrajectoryPoint(positions=[float(p) for p in positions])
    point.time_from_start.nanosec = round(after_s * 1e9)
    msg.points = [point]
    return msg


def test_joint_states_come_every_10_ms(listener, sim):
    steps = np.diff(stamps(listener.messages("joint_states", 30)))
    assert np.median(steps) == 10 * MS
    # a machine that stands still for long may skip time, but never leaves the grid
    assert (steps % (10 * MS) == 0).all()


@pytest.mark.parametrize("topic", [FRONT, WRIST])
def test_images_come_every_40_ms_with_the_stamp_of_a_joint_state(listener, sim, topic):
    images = stamps(listener.messages(topic, 6))
    listener.messages("joint_states", 5)
    assert set(images) <= set(stamps(listener.heard["joint_states"]))
    # best effort: one may be lost on a busy machine, but none is off the grid
    assert all((b - a) % (40 * MS) == 0 < b - a for a, b in pairwise(images))


def test_an_image_shows_the_table_in_rgb(listener, sim):
    image = image_from_msg(listener.messages(FRONT, 1)[0])
    red, _, blue = image.reshape(-1, 3).mean(axis=0)
    assert image.shape == (96, 96, 3)
    assert red > blue + 20


def test_a_trajectory_moves_the_arm_to_its_end(listener, sim):
    names = listener.messages("joint_states", 1)[0].name
    target = np.array(listener.heard["joint_states"][-1].position) + 0.1 * (np.arange(8) == 0)
    listener.sender.publish(goal(names, target, 0.4))
    states = listener.heard["joint_states"]
    listener.until(lambda: abs(states[-1].position[0] - target[0]) < 0.01)


def test_a_trajectory_for_another_arm_is_refused_and_counted(listener, sim):
    listener.sender.publish(goal(["elbow"], [0.0], 0.4))
    listener.heard["/diagnostics"].clear()
    listener.until(
        lambda: any(
            values_in(msg, "sim_node: physics").get("trajectories refused") == "1"
            for msg in listener.heard["/diagnostics"]
        )
    )


def test_each_reset_starts_the_next_seed_and_time_goes_on(listener, sim):
    before = stamps(listener.messages("joint_states", 1))[0]
    answers = [listener.call(Trigger, "sim_node/reset").message for _ in range(2)]
    assert answers == ["episode 1 from seed 40", "episode 2 from seed 41"]
    assert all(b > a for a, b in pairwise(stamps(listener.heard["joint_states"])))
    assert stamps(listener.messages("joint_states", 1))[0] > before


def test_the_episode_is_told_with_its_seed(listener, sim):
    listener.messages(EPISODE, 1)
    episode = episode_from_values(values_in(listener.heard[EPISODE][-1], EPISODE))
    assert (episode.number, episode.seed, episode.success) == (2, 41, False)


def test_a_camera_can_be_killed_and_revived_alone(listener, sim):
    listener.set("sim_node", publish_front=False)
    listener.messages(WRIST, 3)
    listener.heard[FRONT].clear()
    listener.messages(WRIST, 5)
    assert not listener.heard[FRONT]
    listener.set("sim_node", publish_front=True)
    listener.messages(FRONT, 1)


def test_what_must_not_change_while_running_is_refused(listener, sim):
    (result,) = listener.set("sim_node", rate=50.0)
    assert not result.successful


def test_who_is_impatient_still_gets_a_clean_end_and_a_whole_recording(listener, sim):
    for _ in range(3):
        sim.signal(signal.SIGINT)
    listener.until(lambda: sim.exit_code is not None)
    assert sim.exit_code == 0, sim.tail()
