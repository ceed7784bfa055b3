# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""From chunks that come when they come to one smooth motion, told anew at every tick."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.chunk import NS_PER_S, ActionChunk
from dp_accel_ros.execute.admission import Newest, OfferedChunk, Refusal, refusal
from dp_accel_ros.execute.blending import blended
from dp_accel_ros.execute.execution_config import ExecutionConfig
from dp_accel_ros.execute.limits import JointLimits
from dp_accel_ros.execute.plan import Counts, Hold, Plan
from dp_accel_ros.execute.timing import due_after_s, late_actions
from dp_accel_ros.execute.trajectory import Setpoint, Trajectory, braking, resting, through

Array = NDArray[np.float64]

MIN_GAP_S = 0.001
"""Waypoints closer to now are left out of what is sent: the arm is there already."""

MIN_LENGTH_S = 0.25
"""What is sent ends no sooner, because a controller refuses what has ended when it arrives."""


class ChunkScheduler:
    """Holds the newest valid chunk and knows what the arm was told.

    `push` and `observe` come from subscriptions, `at` from the control tick, `reset` and `stop`
    from anywhere; one lock guards them all and is never held for longer than a small computation.
    Nothing here reads a clock: now is an argument, in ns of whatever clock stamps the observations.
    """

    def __init__(
        self, limits: JointLimits, revolute: NDArray[np.bool_], dt: float, config: ExecutionConfig
    ) -> None:
        self._limits, self._revolute, self._config, self._dt = limits, revolute, config, dt
        self._lock = Lock()
        self._joints: tuple[int, Array] | None = None
        self._newest = Newest()
        self._waiting: OfferedChunk | None = None
        self._followed: OfferedChunk | None = None
        self._trajectory: Trajectory | None = None
        self._hold: Hold | None = Hold.NO_CHUNK
        self._admitted = self._superseded = self._late = 0
        self._refused: Counter[Refusal] = Counter()
        self._held: Counter[Hold] = Counter()

    def push(self, offered: OfferedChunk, now_ns: int) -> Refusal | None:
        """Offer a chunk; return why it was refused, or None when the next tick will follow it."""
        with self._lock:
            reason = refusal(self._newest, offered, now_ns, len(self._limits.lower))
            if reason is None and offered.ood and self._config.refuse_ood:
                reason = Refusal.OUT_OF_DISTRIBUTION
            if reason is not None:
                self._refused[reason] += 1
                return reason
            self._newest = self._newest.after(offered)
            self._superseded += self._waiting is not None
            self._admitted += 1
            # Not followed yet: a course begins at a tick, with the command that the arm has then.
            self._waiting = offered
            return None

    def observe(self, stamp_ns: int, positions: Array) -> None:
        """Take measured joint positions, (Dj,); those from before the reset are ignored."""
        with self._lock:
            since = self._newest.since_ns
            # A stamp from before the reset shows an arm that has been put elsewhere since.
            if (since is None or stamp_ns >= since) and np.isfinite(positions).all():
                self._joints = (stamp_ns, np.array(positions, np.float64))

    def reset(self, now_ns: int) -> None:
        """Forget the chunk, the command and the joints; only what was observed since now counts."""
        with self._lock:
            self._newest = replace(self._newest, since_ns=now_ns)
            self._joints = self._waiting = self._followed = self._trajectory = None
            self._hold = Hold.RESET

    def stop(self, now_ns: int) -> Plan:
        """Drop every chunk and return the plan that brings the arm to rest."""
        with self._lock:
            self._waiting = None
            self._halt(now_ns, Hold.STOPPED)
            return self._plan(now_ns, first_use=False)

    def at(self, now_ns: int) -> Plan:
        """Return what to tell the arm at a tick; times never fall, except after a reset."""
        with self._lock:
            first_use = self._advance(now_ns)
            plan = self._plan(now_ns, first_use)
            if plan.hold is not None:
                self._held[plan.hold] += 1
            return plan

    def newest_stamp_ns(self) -> int | None:
        """Return the observation stamp of the newest chunk that waits or is followed."""
        with self._lock:
            newest = self._waiting or self._followed
            return None if newest is None else newest.chunk.stamp_ns

    def counts(self) -> Counts:
        """Return what happened since the start."""
        with self._lock:
            return Counts(
                self._admitted,
                self._superseded,
                self._late,
                dict(self._refused),
                dict(self._held),
            )

    def _advance(self, now_ns: int) -> bool:
        """Bring the course up to now; return whether a new chunk is followed from here."""
        if self._joints is None:
            return False
        stamp_ns, measured = self._joints
        if self._trajectory is None:
            self._trajectory = resting(now_ns, measured, self._dt)
        # Before the next check, because an old measurement cannot say where the arm is now.
        if now_ns - stamp_ns > self._config.joint_timeout_s * NS_PER_S:
            self._halt(now_ns, Hold.STALE_JOINT_STATES)
            return False
        if self._off_course(stamp_ns, measured):
            self._halt(now_ns, Hold.OFF_COURSE)
            self._trajectory = resting(now_ns, measured, self._dt)
            return False
        # Before the old chunk is judged, so that the arm does not rest between two chunks.
        adopted = self._waiting is not None and self._adopt(self._waiting, now_ns)
        self._waiting = None
        self._check_followed(now_ns)
        return adopted

    def _adopt(self, offered: OfferedChunk, now_ns: int) -> bool:
        late = late_actions(offered.chunk, now_ns)
        self._late += late
        course = self._course(offered.chunk, now_ns)
        if course is None:
            self._refused[Refusal.ALL_LATE] += 1
            return False
        self._trajectory, self._followed, self._hold = course, offered, None
        return True

    def _course(self, chunk: ActionChunk, now_ns: int) -> Trajectory | None:
        due_s = due_after_s(chunk, now_ns)
        # half a step to go from one velocity to the next; less would be a jerk
        ahead = due_s > 0.5 * self._dt
        if not ahead.any():
            return None
        commanded = self._commanded(now_ns)
        reference = _asked_for(chunk).sample(now_ns)
        times_s, wanted = due_s[ahead], chunk.actions[ahead].astype(np.float64)
        waypoints = blended(wanted, times_s, commanded, reference, self._config.blend_s)
        reachable = self._limits.waypoints(commanded.positions, times_s, waypoints)
        start = self._limits.start(commanded, float(times_s[0]))
        return through(now_ns, start, times_s, reachable)

    def _check_followed(self, now_ns: int) -> None:
        if self._followed is None or self._trajectory is None:
            return
        age_s = (now_ns - self._followed.chunk.stamp_ns) / NS_PER_S
        if now_ns >= self._trajectory.end_ns:
            self._followed, self._hold = None, Hold.EXHAUSTED
        elif age_s > self._config.max_observation_age_s:
            self._halt(now_ns, Hold.STALE_OBSERVATION)

    def _halt(self, now_ns: int, reason: Hold) -> None:
        # Otherwise the present course already ends at rest, and is told to its end.
        if self._followed is not None and self._trajectory is not None:
            self._trajectory = braking(
                now_ns,
                self._commanded(now_ns),
                self._config.stop_s,
                self._limits.lower,
                self._limits.upper,
            )
        self._followed, self._hold = None, reason

    def _off_course(self, stamp_ns: int, measured: Array) -> bool:
        allowed = self._config.max_course_error_rad
        if not allowed or self._trajectory is None:
            return False
        # Against the command of that time; the arm has been told to move on since.
        error = np.abs(measured - self._trajectory.sample(stamp_ns).positions)
        return bool((error[self._revolute] > allowed).any())

    def _commanded(self, now_ns: int) -> Setpoint:
        assert self._trajectory is not None
        return self._trajectory.sample(now_ns)

    def _plan(self, now_ns: int, first_use: bool) -> Plan:
        if self._trajectory is None:
            return Plan(None, Hold.NO_JOINT_STATES, None)
        told = self._trajectory.restarted(now_ns, MIN_GAP_S, MIN_LENGTH_S)
        return Plan(told, self._hold, self._followed, first_use)


def _asked_for(chunk: ActionChunk) -> Trajectory:
    """Return the motion that a chunk asks for, late actions included."""
    actions = chunk.actions.astype(np.float64)
    first_step = actions[min(1, len(actions) - 1)] - actions[0]
    start = Setpoint(actions[0], first_step / chunk.dt)
    times_s = np.arange(1, len(actions), dtype=np.float64) * chunk.dt
    return through(chunk.stamp_ns, start, times_s, actions[1:])
