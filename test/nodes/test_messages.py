# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

pytest.importorskip("rclpy")
from sensor_msgs.msg import CompressedImage, Image, JointState

from dp_accel_ros.chunk import ActionChunk
from dp_accel_ros.errors import DataError, ShapeError, UnknownNameError
from dp_accel_ros.execute.trajectory import Setpoint, through
from dp_accel_ros.nodes.messages import (
    chunk_from_msg,
    chunk_to_msg,
    image_from_msg,
    image_to_msg,
    joint_state_to_array,
    joint_state_to_msg,
    ns_to_stamp,
    stamp_to_ns,
    trajectory_to_msg,
)

NAMES = ("joint1", "joint2", "finger_joint")
STAMP_NS = 1_700_000_000_123_456_789


def photo(height=6, width=4):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def chunk(n=4):
    actions = np.random.default_rng(1).normal(size=(n, 3)).astype(np.float32)
    return ActionChunk(actions, STAMP_NS, 0.04)


def test_a_stamp_survives_to_the_nanosecond():
    assert stamp_to_ns(ns_to_stamp(STAMP_NS)) == STAMP_NS


def test_an_image_comes_back_as_it_was_sent():
    msg = image_to_msg(photo(), STAMP_NS, "front")
    np.testing.assert_array_equal(image_from_msg(msg), photo())
    assert stamp_to_ns(msg.header.stamp) == STAMP_NS


def test_padded_rows_are_cut():
    padded = np.zeros((6, 16), np.uint8)
    padded[:, :12] = photo().reshape(6, 12)
    msg = Image(height=6, width=4, encoding="rgb8", step=16, data=padded.tobytes())
    np.testing.assert_array_equal(image_from_msg(msg), photo())


def test_bgr_is_turned_into_rgb():
    msg = image_to_msg(photo()[..., ::-1], STAMP_NS, "")
    msg.encoding = "bgr8"
    np.testing.assert_array_equal(image_from_msg(msg), photo())


def test_a_png_is_decoded_without_loss():
    cv2 = pytest.importorskip("cv2")
    data = cv2.imencode(".png", photo()[..., ::-1])[1].tobytes()
    np.testing.assert_array_equal(
        image_from_msg(CompressedImage(format="png", data=data)), photo()
    )


def test_an_unknown_encoding_is_refused_with_those_that_exist():
    msg = Image(height=1, width=1, encoding="yuv422", step=2, data=b"12")
    with pytest.raises(UnknownNameError, match=r"'yuv422'; there are .*rgb8"):
        image_from_msg(msg)


def test_an_image_with_too_few_bytes_is_refused():
    msg = Image(height=6, width=4, encoding="rgb8", step=12, data=b"123")
    with pytest.raises(ShapeError, match="expected 6 rows of 12 bytes for rgb8, got 3 bytes"):
        image_from_msg(msg)


def test_broken_compressed_bytes_are_refused():
    with pytest.raises(DataError, match="expected JPEG or PNG"):
        image_from_msg(CompressedImage(format="jpeg", data=b"nonsense"))


def test_joints_are_put_in_the_order_that_was_asked_for():
    msg = JointState(
        name=["finger_joint", "extra", "joint2", "joint1"], position=[3.0, 9.0, 2.0, 1.0]
    )
    np.testing.assert_array_equal(joint_state_to_array(msg, NAMES), [1.0, 2.0, 3.0])


def test_a_missing_joint_is_named():
    msg = JointState(name=["joint1"], position=[0.0])
    with pytest.raises(DataError, match="lacks joint2, finger_joint; it has joint1"):
        joint_state_to_array(msg, NAMES)


def test_joints_without_positions_are_refused():
    msg = JointState(name=list(NAMES), velocity=[0.0, 0.0, 0.0])
    with pytest.raises(DataError, match="0 positions for 3 names"):
        joint_state_to_array(msg, NAMES)


def test_measured_joints_come_back_as_they_were_sent():
    positions = np.array([0.1, 0.2, 0.3])
    msg = joint_state_to_msg(NAMES, STAMP_NS, positions, 2 * positions)
    np.testing.assert_array_equal(joint_state_to_array(msg, NAMES), positions)
    np.testing.assert_array_equal(msg.velocity, 2 * positions)


def test_a_chunk_comes_back_as_it_was_sent():
    back = chunk_from_msg(chunk_to_msg(chunk(), NAMES), NAMES, 0.04)
    np.testing.assert_array_equal(back.actions, chunk().actions)
    assert (back.stamp_ns, back.dt) == (STAMP_NS, 0.04)


def test_point_i_of_a_chunk_is_due_i_steps_after_the_stamp():
    points = chunk_to_msg(chunk(), NAMES).points
    assert [stamp_to_ns(p.time_from_start) for p in points] == [
        0,
        40_000_000,
        80_000_000,
        120_000_000,
    ]


def test_a_chunk_with_its_joints_in_another_order_is_sorted():
    msg = chunk_to_msg(chunk(), NAMES)
    msg.joint_names = ["finger_joint", "joint1", "joint2"]
    back = chunk_from_msg(msg, NAMES, 0.04)
    np.testing.assert_array_equal(back.actions, chunk().actions[:, [1, 2, 0]])


def test_a_chunk_for_other_joints_is_refused():
    with pytest.raises(DataError, match="expected joints a, b, c, got joint1"):
        chunk_from_msg(chunk_to_msg(chunk(), NAMES), ("a", "b", "c"), 0.04)


def test_a_chunk_on_another_time_grid_is_refused():
    with pytest.raises(DataError, match=r"point 1: expected at 0\.05 s, got 0\.04 s"):
        chunk_from_msg(chunk_to_msg(chunk(), NAMES), NAMES, 0.05)


def test_a_chunk_point_of_another_size_is_refused():
    msg = chunk_to_msg(chunk(), NAMES)
    msg.points[2].positions = [0.0]
    with pytest.raises(ShapeError, match="chunk point 2: expected 3 positions, got 1"):
        chunk_from_msg(msg, NAMES, 0.04)


def test_an_empty_chunk_is_refused():
    msg = chunk_to_msg(chunk(), NAMES)
    msg.points = []
    with pytest.raises(ShapeError, match="expected at least one point"):
        chunk_from_msg(msg, NAMES, 0.04)


def test_a_plan_is_sent_with_its_times_positions_and_velocities():
    times = np.array([0.013, 0.053])
    plan = through(STAMP_NS, Setpoint(np.zeros(3), np.ones(3)), times, np.ones((2, 3)))
    msg = trajectory_to_msg(plan, NAMES)
    assert stamp_to_ns(msg.header.stamp) == STAMP_NS
    assert [stamp_to_ns(p.time_from_start) for p in msg.points] == [0, 13_000_000, 53_000_000]
    np.testing.assert_array_equal([p.positions for p in msg.points], plan.positions)
    np.testing.assert_array_equal([p.velocities for p in msg.points], plan.velocities)
