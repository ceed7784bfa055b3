# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The interface that every simulated task offers, whatever engine it runs on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
"""A floating-point array; its shape is in the docstring of whatever carries it."""

Image = NDArray[np.uint8]
"""An RGB image, (H, W, 3)."""


@dataclass(frozen=True, slots=True)
class JointSpec:
    """One actuated joint as the robot's driver would describe it."""

    name: str
    """Name in `sensor_msgs/JointState` and `trajectory_msgs/JointTrajectory`."""
    unit: str
    """`rad` for a revolute joint, `m` for a prismatic one."""
    lower: float
    """Lowest position, in `unit`."""
    upper: float
    """Highest position, in `unit`."""
    max_velocity: float
    """Highest speed, in `unit` per second."""


class FilmCamera(Protocol):
    """Draws a scene for people, as the task that made it now stands."""

    def picture(self) -> Image:
        """Return what there is to see, (H, W, 3)."""
        ...

    def close(self) -> None:
        """Free what draws; closing twice is harmless."""
        ...


class Task(Protocol):
    """A robot in a scene with a goal, driven by joint targets and seen through cameras.

    `command` and `advance` are the two halves of `step`: a node that runs in wall-clock time
    calls them at its own rates, a lockstep evaluation calls `step`. An engine whose control step
    cannot be divided sets `physics_dt` to `dt` and then only whole ticks can be advanced.
    One thread owns a task; nothing here is safe to share.
    """

    @property
    def name(self) -> str:
        """Name under which the task is listed in `TASKS`."""
        ...

    @property
    def dt(self) -> float:
        """Length of one control tick, s."""
        ...

    @property
    def physics_dt(self) -> float:
        """Smallest time by which the simulation can be advanced, s."""
        ...

    @property
    def max_ticks(self) -> int:
        """Control ticks after which an episode counts as failed."""
        ...

    @property
    def joints(self) -> tuple[JointSpec, ...]:
        """The actuated joints, in the order of every joint array."""
        ...

    @property
    def camera_names(self) -> tuple[str, ...]:
        """Names of the cameras in `images`."""
        ...

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of every camera image."""
        ...

    @property
    def state_names(self) -> tuple[str, ...]:
        """One name for every number in `state`."""
        ...

    @property
    def time_s(self) -> float:
        """Simulated time since the last reset, s."""
        ...

    def reset(self, seed: int) -> None:
        """Start the episode that belongs to `seed`; the same seed gives the same episode."""
        ...

    def command(self, target: Array) -> None:
        """Set the servo targets, (Da,), that hold until the next command."""
        ...

    def advance(self, duration_s: float) -> None:
        """Let `duration_s` pass, a whole multiple of `physics_dt`."""
        ...

    def step(self, action: Array) -> None:
        """Command `action`, (Da,), and advance by `dt`: one lockstep tick."""
        ...

    def joint_positions(self) -> Array:
        """Return the measured joint positions, (Dj,)."""
        ...

    def joint_velocities(self) -> Array:
        """Return the measured joint velocities, (Dj,)."""
        ...

    def effector_position(self) -> Array:
        """Return where the end effector is, (2,) or (3,), m."""
        ...

    def state(self) -> Array:
        """Return the privileged state of the task, (S,), that no camera or joint shows."""
        ...

    def images(self) -> dict[str, Image]:
        """Return what every camera sees now, (H, W, 3) each, by camera name."""
        ...

    def success(self) -> bool:
        """Say whether the goal has been reached and held."""
        ...

    def score(self) -> float:
        """Return how much of the goal was reached since the reset, from 0 to 1."""
        ...

    def scene(self) -> Array:
        """Return where everything is that can move, (P,), as `show` of an equal task takes it."""
        ...

    def show(self, scene: Array) -> None:
        """Put everything where `scene`, (P,), says; nothing moves on."""
        ...

    def film_camera(self, size: tuple[int, int]) -> FilmCamera:
        """Return a camera for films of this task, its pictures of this height and width."""
        ...

    def close(self) -> None:
        """Free the graphics context; closing twice is harmless."""
        ...
