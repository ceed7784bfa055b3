# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The rules by which ros2_controllers' joint_trajectory_controller treats its topic (Jazzy).

A model without ROS and without physics: trajectories in, desired positions and velocities out.
`interpolate_from_desired_state` is taken to be true and goal tolerances are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.sim.base import Array

_NS = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JointPath:
    """What a `trajectory_msgs/JointTrajectory` says, as arrays."""

    stamp_ns: int
    """When time zero of the points is; 0 means on arrival."""
    joint_names: tuple[str, ...]
    positions: Array
    """Joint positions, (N, D)."""
    times_from_start_s: Array
    """Time of each point after the stamp, (N,), s."""
    velocities: Array | None = None
    """Joint velocities, (N, D), or None for a piecewise linear path."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The trajectory replaced the old one."""

    n_dropped: int
    """Points that were already past on arrival."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The trajectory was ignored; the old one goes on."""

    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class _Spline:
    """Points to pass through, the first at or before any time that is asked for."""

    times_ns: NDArray[np.int64]
    positions: Array
    velocities: Array | None

    def at(self, now_ns: int) -> tuple[Array, Array]:
        """Return position and velocity, (D,) each; before the first and after the last at rest."""
        if now_ns >= self.times_ns[-1] or now_ns < self.times_ns[0]:
            row = -1 if now_ns >= self.times_ns[-1] else 0
            return self.positions[row].copy(), np.zeros_like(self.positions[row])
        right = int(np.searchsorted(self.times_ns, now_ns, side="right"))
        pair = slice(right - 1, right + 1)
        span_s = (self.times_ns[right] - self.times_ns[right - 1]) * _NS
        phase = (now_ns - self.times_ns[right - 1]) * _NS / span_s
        if self.velocities is None:
            return _linear(self.positions[pair], span_s, phase)
        return _cubic(self.positions[pair], self.velocities[pair], span_s, phase)


class TrajectoryController:
    """Follows the newest trajectory that it accepted, and holds where there is none.

    Args:
        joint_names: The controller's joints, in the order of every array it returns.
        positions: Where the joints are at the start, (D,).
        allow_nonzero_velocity_at_trajectory_end: As the controller's parameter of that name.
    """

    def __init__(
        self,
        joint_names: Sequence[str],
        positions: Array,
        *,
        allow_nonzero_velocity_at_trajectory_end: bool = False,
    ) -> None:
        self.joint_names = tuple(joint_names)
        self._allow_moving_end = allow_nonzero_velocity_at_trajectory_end
        self.hold(positions)

    def hold(self, positions: Array) -> None:
        """Forget the trajectory and stay at `positions`, (D,)."""
        positions = np.array(positions, dtype=np.float64)
        self._spline = _Spline(np.zeros(1, np.int64), positions[None], None)

    def accept(self, path: JointPath, now_ns: int) -> Accepted | Refused:
        """Check a trajectory that arrives at `now_ns` and follow it from now on."""
        reason = self._fault(path)
        if reason is not None:
            return Refused(reason)
        start_ns = path.stamp_ns if path.stamp_ns else now_ns
        times_ns = start_ns + np.round(np.asarray(path.times_from_start_s) / _NS).astype(np.int64)
        n_past = int(np.count_nonzero(times_ns <= now_ns))
        if n_past == len(times_ns) and times_ns[-1] < now_ns:
            late_s = (now_ns - times_ns[-1]) * _NS
            return Refused(
                "`times_from_start_s` must reach past now, got a last point"
                f" {late_s:.3f} s in the past"
            )
        self._follow(path, times_ns, n_past, now_ns)
        return Accepted(n_past)

    def sample(self, now_ns: int) -> tuple[Array, Array]:
        """Return the desired positions and velocities, (D,) each, at `now_ns`."""
        return self._spline.at(now_ns)

    def _follow(
        self, path: JointPath, times_ns: NDArray[np.int64], n_past: int, now_ns: int
    ) -> None:
        """Replace the spline: from the last past point of `path`, or else from where we are."""
        order = [path.joint_names.index(name) for name in self.joint_names]
        positions = np.array(path.positions, dtype=np.float64)[:, order]
        velocities = None
        if path.velocities is not None:
            velocities = np.array(path.velocities, dtype=np.float64)[:, order]
        if n_past:
            first = n_past - 1
            velocities = None if velocities is None else velocities[first:]
            self._spline = _Spline(times_ns[first:], positions[first:], velocities)
            return
        here, speed = self.sample(now_ns)
        if velocities is not None:
            velocities = np.vstack([speed, velocities])
        self._spline = _Spline(
            np.concatenate([[now_ns], times_ns]), np.vstack([here, positions]), velocities
        )

    def _fault(self, path: JointPath) -> str | None:
        """Return what is wrong with a trajectory whatever the time, or None."""
        return (
            _names_fault(path, self.joint_names)
            or _shape_fault(path)
            or _number_fault(path)
            or _time_fault(path)
            or (None if self._allow_moving_end else _end_fault(path))
        )


def _linear(positions: Array, span_s: float, phase: float) -> tuple[Array, Array]:
    """Return position and velocity, (D,) each, on the line between two rows, (2, D)."""
    step = positions[1] - positions[0]
    return positions[0] + phase * step, step / span_s


def _cubic(
    positions: Array, velocities: Array, span_s: float, phase: float
) -> tuple[Array, Array]:
    """Return position and velocity, (D,) each, on the cubic with both ends' velocities."""
    step = positions[1] - positions[0]
    start, end = velocities[0] * span_s, velocities[1] * span_s
    square, cube = 3 * step - 2 * start - end, start + end - 2 * step
    position = positions[0] + phase * (start + phase * (square + phase * cube))
    return position, (start + phase * (2 * square + 3 * phase * cube)) / span_s


def _names_fault(path: JointPath, expected: tuple[str, ...]) -> str | None:
    missing = [name for name in expected if name not in path.joint_names]
    unknown = [name for name in path.joint_names if name not in expected]
    if missing or unknown:
        return (
            f"`joint_names` must be {', '.join(expected)} in any order,"
            f" got missing: {', '.join(missing) or 'none'};"
            f" unknown: {', '.join(unknown) or 'none'}"
        )
    if len(path.joint_names) != len(expected):
        return f"`joint_names` must name each joint once, got {', '.join(path.joint_names)}"
    return None


def _shape_fault(path: JointPath) -> str | None:
    n_points = len(path.times_from_start_s)
    if n_points == 0:
        return "`positions` must have at least one point, got none"
    expected = (n_points, len(path.joint_names))
    if np.shape(path.positions) != expected:
        return f"`positions` must have shape {expected}, got {np.shape(path.positions)}"
    if path.velocities is not None and np.shape(path.velocities) != expected:
        return f"`velocities` must have shape {expected}, got {np.shape(path.velocities)}"
    return None


def _number_fault(path: JointPath) -> str | None:
    arrays = {
        "positions": path.positions,
        "velocities": path.velocities,
        "times_from_start_s": path.times_from_start_s,
    }
    for name, array in arrays.items():
        if array is not None and not np.isfinite(array).all():
            bad = int(np.count_nonzero(~np.isfinite(array)))
            return f"`{name}` must be finite, got {bad} of {np.size(array)} NaN or infinite"
    return None


def _time_fault(path: JointPath) -> str | None:
    times = np.asarray(path.times_from_start_s)
    falls = np.flatnonzero(np.diff(times) <= 0)
    if len(falls):
        index = int(falls[0]) + 1
        return (
            "`times_from_start_s` must increase from point to point, got"
            f" {times[index]:.3f} s after {times[index - 1]:.3f} s at point {index}"
        )
    return None


def _end_fault(path: JointPath) -> str | None:
    if path.velocities is None:
        return None
    last = np.asarray(path.velocities)[-1]
    # the controller compares with the machine epsilon of a float
    moving = [
        f"{name} {value:.4f}"
        for name, value in zip(path.joint_names, last, strict=True)
        if abs(value) > np.finfo(np.float32).eps
    ]
    if moving:
        return (
            "`velocities` must be 0 at the last point unless"
            f" `allow_nonzero_velocity_at_trajectory_end` is set, got {', '.join(moving)}"
        )
    return None
