# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What the arm is told: waypoints with velocities, and cubic motion between them.

A `joint_trajectory_controller` moves on the same cubic when points carry positions and velocities,
so sampling a trajectory here says where the controller has commanded the arm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.chunk import NS_PER_S

Array = NDArray[np.float64]


class Setpoint(NamedTuple):
    """Commanded positions and velocities at one instant, (Da,) each."""

    positions: Array
    velocities: Array


@dataclass(frozen=True, slots=True)
class Trajectory:
    """Waypoints (N, Da) at times (N,) in s that rise from 0 at `start_ns`; at rest after the last.

    positions
        |        o-----o          the last velocity is 0
        |     o/
        |  o/
        +--+--+--+-----+--> time
           0 = start_ns
    """

    start_ns: int
    times_s: Array
    positions: Array
    velocities: Array

    @property
    def end_ns(self) -> int:
        """When the last waypoint is reached, in ns."""
        return self.start_ns + round(float(self.times_s[-1]) * NS_PER_S)

    def sample(self, now_ns: int) -> Setpoint:
        """Return the setpoint at a time; before the start the first, after the end at rest."""
        time_s = (now_ns - self.start_ns) / NS_PER_S
        if time_s >= self.times_s[-1]:
            return Setpoint(self.positions[-1].copy(), np.zeros_like(self.positions[-1]))
        if time_s <= 0.0:
            return Setpoint(self.positions[0].copy(), self.velocities[0].copy())
        k = int(np.searchsorted(self.times_s, time_s, side="right")) - 1
        return _hermite(
            time_s - self.times_s[k],
            self.times_s[k + 1] - self.times_s[k],
            Setpoint(self.positions[k], self.velocities[k]),
            Setpoint(self.positions[k + 1], self.velocities[k + 1]),
        )

    def restarted(self, now_ns: int, min_gap_s: float, min_length_s: float) -> Trajectory:
        """Return the same motion told from now on.

        Args:
            now_ns: Where time 0 of the result lies.
            min_gap_s: A waypoint closer to now than this is left out.
            min_length_s: The result lasts at least this long, at rest in the end, so that it does
                not lie in the past when it reaches the controller.
        """
        elapsed_s = (now_ns - self.start_ns) / NS_PER_S
        kept = self.times_s > elapsed_s + min_gap_s
        start = self.sample(now_ns)
        times = np.concatenate([[0.0], self.times_s[kept] - elapsed_s])
        positions = np.concatenate([start.positions[None], self.positions[kept]])
        velocities = np.concatenate([start.velocities[None], self.velocities[kept]])
        if times[-1] < min_length_s:
            times = np.append(times, min_length_s)
            positions = np.concatenate([positions, self.positions[-1:]])
            velocities = np.concatenate([velocities, np.zeros_like(velocities[-1:])])
        return Trajectory(now_ns, times, positions, velocities)


def through(start_ns: int, start: Setpoint, times_s: Array, waypoints: Array) -> Trajectory:
    """Return the trajectory from a setpoint through waypoints, (N, Da), to rest at the last.

    The motion between waypoints never leaves the range they span (Fritsch and Butland 1984),
    except in the first stretch, where the velocity of the start is kept.
    """
    times = np.concatenate([[0.0], times_s])
    positions = np.concatenate([start.positions[None], waypoints])
    velocities = np.zeros_like(positions)
    velocities[0] = start.velocities
    velocities[1:-1] = _monotone_slopes(times, positions)
    return Trajectory(start_ns, times, positions, velocities)


def resting(start_ns: int, positions: Array, length_s: float) -> Trajectory:
    """Return the trajectory that stays at one place, (Da,)."""
    there = np.stack([positions, positions]).astype(np.float64)
    return Trajectory(start_ns, np.array([0.0, length_s]), there, np.zeros_like(there))


def braking(
    start_ns: int, start: Setpoint, stop_s: float, lower: Array, upper: Array
) -> Trajectory:
    """Return the trajectory that comes to rest within `stop_s`, evenly, inside the limits."""
    # Slowing down evenly from v to 0 covers half of what v alone would.
    reached = start.positions + 0.5 * stop_s * start.velocities
    # A joint that is outside already is not pushed in while it brakes.
    inside = np.clip(
        reached, np.minimum(lower, start.positions), np.maximum(upper, start.positions)
    )
    return through(start_ns, start, np.array([stop_s]), inside[None])


def _monotone_slopes(times: Array, positions: Array) -> Array:
    steps = (times[1:] - times[:-1])[:, None]  # (N, 1)
    secants = (positions[1:] - positions[:-1]) / steps  # (N, Da)
    before, after = secants[:-1], secants[1:]
    weight_before = 2.0 * steps[1:] + steps[:-1]
    weight_after = steps[1:] + 2.0 * steps[:-1]
    # No slope where the joint turns, and elsewhere a harmonic mean: steeper ones would overshoot.
    turning = before * after <= 0.0
    # Any number but 0 will do, since these places are 0 in the result.
    safe_before = np.where(turning, 1.0, before)
    safe_after = np.where(turning, 1.0, after)
    mean = (weight_before + weight_after) / (
        weight_before / safe_before + weight_after / safe_after
    )
    return np.where(turning, 0.0, mean)


def _hermite(time_s: float, length_s: float, a: Setpoint, b: Setpoint) -> Setpoint:
    u = time_s / length_s
    rise = b.positions - a.positions
    position = (
        a.positions
        + rise * (u * u * (3.0 - 2.0 * u))
        + length_s * (a.velocities * (u * (1.0 - u) ** 2) - b.velocities * (u * u * (1.0 - u)))
    )
    velocity = (
        rise * (6.0 * u * (1.0 - u) / length_s)
        + a.velocities * ((1.0 - u) * (1.0 - 3.0 * u))
        + b.velocities * (u * (3.0 * u - 2.0))
    )
    return Setpoint(position, velocity)
