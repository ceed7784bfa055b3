# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Messages to values and back: images, joints, chunks and trajectories."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from builtin_interfaces.msg import Duration as DurationMsg
from builtin_interfaces.msg import Time as TimeMsg
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, JointState
from sensor_msgs.msg import Image as ImageMsg
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from dp_accel_ros.chunk import NS_PER_S, ActionChunk
from dp_accel_ros.errors import DataError, ShapeError
from dp_accel_ros.execute.trajectory import Trajectory
from dp_accel_ros.observe.image import decode, decode_compressed

TIMING_TOLERANCE_S = 1e-6
"""How far a point of a chunk may be from its place on the time grid: rounding to ns, and no more."""


def stamp_to_ns(stamp: Any) -> int:
    """Return a stamp or duration message in ns."""
    return stamp.sec * NS_PER_S + stamp.nanosec


def ns_to_stamp(time_ns: int) -> Any:
    """Return a time in ns as a stamp message."""
    sec, nanosec = divmod(time_ns, NS_PER_S)
    return TimeMsg(sec=sec, nanosec=nanosec)


def image_from_msg(msg: Any) -> NDArray[np.uint8]:
    """Return the RGB frame, (H, W, 3), of an `Image` or a `CompressedImage`."""
    if isinstance(msg, CompressedImage):
        return decode_compressed(memoryview(msg.data))
    if msg.is_bigendian and "16" in msg.encoding:
        raise DataError(f"image: expected little-endian pixels, got big-endian {msg.encoding}")
    return decode(memoryview(msg.data), msg.encoding, msg.height, msg.width, msg.step)


def image_to_msg(image: NDArray[np.uint8], stamp_ns: int, frame_id: str) -> Any:
    """Return an RGB frame, (H, W, 3), as an rgb8 `Image`."""
    height, width, _ = image.shape
    msg = ImageMsg(height=height, width=width, encoding="rgb8", step=3 * width)
    msg.header.stamp = ns_to_stamp(stamp_ns)
    msg.header.frame_id = frame_id
    # a list would be checked byte by byte
    msg.data = array("B", np.ascontiguousarray(image).tobytes())
    return msg


def joint_state_to_array(msg: Any, joint_names: Sequence[str]) -> NDArray[np.float64]:
    """Return the positions, (Dj,), of the named joints in their order; others are ignored.

    Raises:
        DataError: A joint is not in the message, or has no position.
    """
    place = {name: index for index, name in enumerate(msg.name)}
    missing = [name for name in joint_names if name not in place]
    if missing:
        has = ", ".join(msg.name) or "no joint"
        raise DataError(f"joint state lacks {', '.join(missing)}; it has {has}")
    if len(msg.position) != len(msg.name):
        sizes = f"{len(msg.position)} positions for {len(msg.name)} names"
        raise DataError(f"joint state: expected one position for each name, got {sizes}")
    return np.array([msg.position[place[name]] for name in joint_names])


def joint_state_to_msg(
    joint_names: Sequence[str],
    stamp_ns: int,
    positions: NDArray[np.float64],
    velocities: NDArray[np.float64] | None = None,
) -> Any:
    """Return measured positions and velocities, (Dj,) each, as a `JointState`."""
    msg = JointState(name=list(joint_names))
    msg.header.stamp = ns_to_stamp(stamp_ns)
    msg.position = _doubles(positions)
    if velocities is not None:
        msg.velocity = _doubles(velocities)
    return msg


def chunk_to_msg(chunk: ActionChunk, joint_names: Sequence[str]) -> Any:
    """Return a chunk as a `JointTrajectory`: point i is due at the header's stamp + i * dt."""
    msg = JointTrajectory(joint_names=list(joint_names))
    msg.header.stamp = ns_to_stamp(chunk.stamp_ns)
    actions = chunk.actions.astype(np.float64)
    msg.points = [
        _point(chunk.due_ns(index) - chunk.stamp_ns, action)
        for index, action in enumerate(actions)
    ]
    return msg


def chunk_from_msg(msg: Any, joint_names: Sequence[str], dt: float) -> ActionChunk:
    """Return the chunk in a `JointTrajectory`, its joints in the order of the names.

    Raises:
        DataError: The joints are others, or a point is not due at i * `dt`.
        ShapeError: A point has another number of positions.
    """
    order = _order(msg.joint_names, joint_names)
    for index, point in enumerate(msg.points):
        if len(point.positions) != len(joint_names):
            expected = f"{len(joint_names)} positions"
            raise ShapeError(f"chunk point {index}", expected, len(point.positions))
        time_s = stamp_to_ns(point.time_from_start) / NS_PER_S
        if abs(time_s - index * dt) > TIMING_TOLERANCE_S:
            raise DataError(f"chunk point {index}: expected at {index * dt:g} s, got {time_s:g} s")
    actions = np.array([point.positions for point in msg.points], np.float32)
    if not len(actions):
        raise ShapeError("chunk", "at least one point", "none")
    return ActionChunk(actions[:, order], stamp_to_ns(msg.header.stamp), dt)


def trajectory_to_msg(trajectory: Trajectory, joint_names: Sequence[str]) -> Any:
    """Return a plan as the `JointTrajectory` that a controller takes."""
    msg = JointTrajectory(joint_names=list(joint_names))
    msg.header.stamp = ns_to_stamp(trajectory.start_ns)
    times_ns = np.rint(trajectory.times_s * NS_PER_S).astype(np.int64).tolist()
    msg.points = [
        _point(*row)
        for row in zip(times_ns, trajectory.positions, trajectory.velocities, strict=True)
    ]
    return msg


def _point(
    after_ns: int, positions: NDArray[np.float64], velocities: NDArray[np.float64] | None = None
) -> Any:
    sec, nanosec = divmod(after_ns, NS_PER_S)
    point = JointTrajectoryPoint(time_from_start=DurationMsg(sec=sec, nanosec=nanosec))
    point.positions = _doubles(positions)
    if velocities is not None:
        point.velocities = _doubles(velocities)
    return point


def _doubles(values: NDArray[np.float64]) -> array[float]:
    return array("d", np.ascontiguousarray(values, np.float64).tobytes())


def _order(got: Sequence[str], wanted: Sequence[str]) -> list[int]:
    if sorted(got) != sorted(wanted):
        raise DataError(f"chunk: expected joints {', '.join(wanted)}, got {', '.join(got)}")
    place = {name: index for index, name in enumerate(got)}
    return [place[name] for name in wanted]
