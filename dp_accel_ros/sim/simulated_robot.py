# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A task as a robot's driver shows it: a trajectory controller, sensors, and episodes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dp_accel_ros.chunk import NS_PER_S
from dp_accel_ros.errors import ConfigError
from dp_accel_ros.sim.base import Array, Image, Task
from dp_accel_ros.sim.recording import Recorder
from dp_accel_ros.sim.trajectory_controller import (
    Accepted,
    JointPath,
    Refused,
    TrajectoryController,
)

MAX_FIRST_JUMP_RAD = 0.01
"""More than a servo's error at rest, and less than an arm in motion is away from its start."""


@dataclass(frozen=True, slots=True)
class Episode:
    """Where an episode stands."""

    number: int
    """How often the world was reset before it; 0 is the world of the start."""

    seed: int
    start_ns: int
    limit_s: float
    """Time after which it counts as failed, s."""

    now_ns: int
    success_ns: int | None = None
    """When the goal was reached; it counts even if it is lost again."""

    @property
    def elapsed_s(self) -> float:
        """Time since its start, s."""
        return (self.now_ns - self.start_ns) / NS_PER_S

    @property
    def success_after_s(self) -> float | None:
        """Time from its start to the goal, s, or None."""
        return None if self.success_ns is None else (self.success_ns - self.start_ns) / NS_PER_S

    @property
    def time_is_up(self) -> bool:
        """True when the goal was not reached in time."""
        return self.success_ns is None and self.elapsed_s >= self.limit_s


@dataclass(frozen=True, slots=True)
class Sensed:
    """What the sensors say about one instant."""

    stamp_ns: int
    positions: Array
    velocities: Array
    images: dict[str, Image] | None
    """By camera, or None when no picture is due."""

    state: Array | None = None
    """The task's state, (S,), whenever pictures are due, drawn or not."""


class SimulatedRobot:
    """Drives a task by joint trajectories, slice by slice; one thread owns it.

    Args:
        task: The task; `slice_s` must be a multiple of its physics step.
        seed: Of the episode that it starts with.
        now_ns: When that is.
        slice_s: Time between joint states, and between looks at the trajectory, in s.
        image_every: Slices between camera images, and between states.
        with_images: Whether cameras are drawn at all.
    """

    def __init__(
        self,
        task: Task,
        *,
        seed: int,
        now_ns: int,
        slice_s: float,
        image_every: int,
        with_images: bool = True,
    ) -> None:
        steps = slice_s / task.physics_dt
        if steps < 1 or abs(steps - round(steps)) > 1e-6 or image_every < 1:
            raise ConfigError(
                f"`slice_s` must be a multiple of {task.physics_dt} s and `image_every` at least 1,"
                f" got {slice_s} and {image_every}"
            )
        self.task, self._with_images = task, with_images
        self._slice_s, self._image_every, self._slices = slice_s, image_every, 0
        self._controller = TrajectoryController(
            tuple(joint.name for joint in task.joints), task.joint_positions()
        )
        self.episode = Episode(-1, seed, now_ns, 0.0, now_ns)
        self.reset(seed, now_ns)

    @property
    def commanded(self) -> Array:
        """Joint targets that the controller gives now, (Da,)."""
        return self._controller.sample(self.episode.now_ns)[0]

    def reset(self, seed: int, now_ns: int) -> None:
        """Start the episode that belongs to `seed`; the arm stays where it starts."""
        self.task.reset(seed)
        limit_s = self.task.max_ticks * self.task.dt
        self.episode = Episode(self.episode.number + 1, seed, now_ns, limit_s, now_ns)
        self._controller.hold(self.task.joint_positions())
        self._untouched = True

    def follow(self, path: JointPath, now_ns: int) -> Accepted | Refused:
        """Give the controller a trajectory that arrives now.

        The first one after a reset must not begin with a jump: whoever sends it has not seen yet
        that the world is another.
        """
        before, _ = self._controller.sample(now_ns)
        answer = self._controller.accept(path, now_ns)
        if not self._untouched or isinstance(answer, Refused):
            return answer
        jump = float(np.abs(self._controller.sample(now_ns)[0] - before).max())
        if jump > MAX_FIRST_JUMP_RAD:
            self._controller.hold(before)
            return Refused(f"the arm was reset, and this trajectory begins {jump:.2f} rad from it")
        self._untouched = False
        return answer

    def advance(self, now_ns: int) -> Sensed:
        """Let one slice pass, which ends at `now_ns`, and return what the sensors say then."""
        # The slice that ends now was under the last command; the next one is under this.
        self.task.advance(self._slice_s)
        self.task.command(self._controller.sample(now_ns)[0])
        self._slices += 1
        reached = self.episode.success_ns
        if reached is None and self.task.success():
            reached = now_ns
        self.episode = replace(self.episode, now_ns=now_ns, success_ns=reached)
        return self.sense(imaged=self._slices % self._image_every == 0)

    def sense(self, *, imaged: bool) -> Sensed:
        """Return what the sensors say about the present instant."""
        images = None
        if imaged:
            images = self.task.images() if self._with_images else {}
        return Sensed(
            self.episode.now_ns,
            self.task.joint_positions(),
            self.task.joint_velocities(),
            images,
            self.task.state() if imaged else None,
        )

    def note(self, sensed: Sensed, recorder: Recorder) -> None:
        """Add what was sensed just now, and where everything is, to a recording."""
        recorder.append(
            sensed.stamp_ns,
            episode=self.episode.number,
            success=self.episode.success_ns is not None,
            imaged=sensed.images is not None,
            measured=sensed.positions,
            commanded=self.commanded,
            scene=self.task.scene(),
        )
