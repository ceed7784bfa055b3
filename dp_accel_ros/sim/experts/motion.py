# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Smooth joint targets from overlapping minimum-jerk moves of the hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dp_accel_ros.errors import SimulationError
from dp_accel_ros.sim.base import Array
from dp_accel_ros.sim.inverse_kinematics import (
    InverseKinematics,
    downward_axes,
    rotation,
    rotation_vector,
)
from dp_accel_ros.sim.world import CONTROL_DT

AXES = ("x", "y", "z", "yaw", "finger")
MAX_TARGET_SPEED = 1.15
"""No joint target moves faster than this, rad/s."""

_RIGHTING_TICKS = 20.0
"""Time over which a hand that does not point straight down comes to do so, ticks."""


def minimum_jerk(phase: Array) -> Array:
    """Return the way from 0 to 1 that starts and ends at rest, element by element."""
    phase = np.clip(phase, 0.0, 1.0)
    return phase**3 * (10.0 - 15.0 * phase + 6.0 * phase**2)


def detour(phase: Array) -> Array:
    """Return the way from 0 to 1 in the middle and back to 0, element by element."""
    phase = np.clip(phase, 0.0, 1.0)
    return 16.0 * (phase * (1.0 - phase)) ** 2


@dataclass(frozen=True, slots=True)
class Move:
    """One displacement of the hand, added to all others."""

    start: float
    ticks: float
    delta: Array
    """Displacement along `AXES`, (5,)."""
    profile: Callable[[Array], Array]

    def at(self, ticks: Array) -> Array:
        """Return the displacement so far, (N, 5), at the times `ticks`, (N,)."""
        return self.profile((ticks - self.start) / self.ticks)[:, None] * self.delta


class MotionPlan:
    """A path of the hand that grows move by move; moves may overlap, so nothing has to stop."""

    def __init__(self, start: Array) -> None:
        """Start at rest.

        Args:
            start: Where the hand is along `AXES`, (5,): metres, radians, metres.
        """
        self.start = start
        self.end = 0.0
        """When the last move that was added ends, ticks."""
        self._goal = np.array(start, dtype=np.float64)
        self._moves: list[Move] = []

    def to(self, ticks: float, *, overlap: float = 0.0, **goals: float) -> MotionPlan:
        """Add a move of the named axes to `goals`, begun `overlap` ticks before the last ended."""
        delta = np.zeros(len(AXES))
        for axis, goal in goals.items():
            delta[AXES.index(axis)] = goal - self._goal[AXES.index(axis)]
        return self._add(ticks, overlap, delta, minimum_jerk)

    def around(self, ticks: float, *, overlap: float, **offsets: float) -> MotionPlan:
        """Add a curve that leaves the way by `offsets` and returns to it."""
        delta = np.zeros(len(AXES))
        for axis, offset in offsets.items():
            delta[AXES.index(axis)] = offset
        return self._add(ticks, overlap, delta, detour)

    def pause(self, ticks: float) -> MotionPlan:
        """Let `ticks` pass after the last move."""
        self.end += ticks
        return self

    def poses(self, ticks: Array) -> Array:
        """Return the hand along `AXES`, (N, 5), at the times `ticks`, (N,)."""
        return self.start + sum((move.at(ticks) for move in self._moves), np.zeros((1, 5)))

    def joint_targets(self, solver: InverseKinematics, arm: Array) -> Array:
        """Return joint targets, (N, Da), from the arm joints `arm`, (7,), slowed where too fast.

        Raises:
            SimulationError: A pose cannot be reached, or not slowly enough.
        """
        ticks, excess = np.arange(1.0, np.ceil(self.end) + 1.0), np.zeros(1)
        for _ in range(8):
            targets = _solve(self.poses(ticks), solver, arm)
            steps = np.diff(np.vstack([arm, targets[:, :7]]), axis=0)
            excess = np.abs(steps).max(axis=1) / (MAX_TARGET_SPEED * CONTROL_DT)
            if excess.max() <= 1.0:
                return targets
            # Other times are other poses, whose joints have other speeds: it takes a few rounds.
            ticks = _stretched(ticks, excess)
        raise SimulationError(
            f"expected joint targets under {MAX_TARGET_SPEED} rad/s after slowing down,"
            f" got {excess.max() * MAX_TARGET_SPEED:.3f}"
        )

    def _add(
        self, ticks: float, overlap: float, delta: Array, profile: Callable[[Array], Array]
    ) -> MotionPlan:
        start = max(0.0, self.end - overlap)
        self._moves.append(Move(start, ticks, delta, profile))
        # A detour ends where it began, so the next move starts from the same goal.
        if profile is minimum_jerk:
            self._goal = self._goal + delta
        self.end = max(self.end, start + ticks)
        return self


def _stretched(ticks: Array, excess: Array) -> Array:
    """Return more times than `ticks`, (N,), so that each step is shorter by its `excess`, (N,).

    The slowing begins a few ticks early and ends a few late, or it would be a jolt.
    """
    reach = 4
    padded = np.pad(np.maximum(1.04 * excess, 1.0), 2 * reach, mode="edge")
    widest = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(axis=1)
    smooth = np.convolve(widest, np.full(2 * reach + 1, 1.0 / (2 * reach + 1)), mode="valid")
    warped = np.concatenate([[0.0], np.cumsum(smooth)])
    return np.interp(
        np.arange(1.0, np.ceil(warped[-1]) + 1.0), warped, np.concatenate([[0.0], ticks])
    )


def _solve(poses: Array, solver: InverseKinematics, arm: Array) -> Array:
    """Return joint targets, (N, Da), for hand poses, (N, 5), each near the one before."""
    tilt = rotation_vector(solver.pose(arm)[1], downward_axes(float(poses[0, 3])))
    righting = 1.0 - minimum_jerk(np.arange(1, len(poses) + 1) / _RIGHTING_TICKS)
    targets = np.empty((len(poses), 8))
    for row, (x, y, z, yaw, finger), share in zip(targets, poses, righting, strict=True):
        axes = rotation(share * tilt) @ downward_axes(yaw)
        arm = solver.solve(np.array([x, y, z]), axes, arm)
        row[:7], row[7] = arm, finger
    return targets


def nearest_yaw(yaw: float, near: float, *, period: float = np.pi / 2) -> float:
    """Return `yaw` plus the multiple of `period` that brings it closest to `near`, rad."""
    return yaw + period * round((near - yaw) / period)
