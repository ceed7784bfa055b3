# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The simulated arm with the rules of one task: everything of the `Task` interface, once."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from dp_accel_ros.sim.arm import JOINTS
from dp_accel_ros.sim.base import Array, Image, JointSpec
from dp_accel_ros.sim.replay import ArmFilmCamera, scene_of, show
from dp_accel_ros.sim.scene import Scene
from dp_accel_ros.sim.world import (
    CAMERAS,
    CONTROL_DT,
    IMAGE_SIZE,
    PHYSICS_DT,
    ArmWorld,
    home_with_noise,
)


class Rules(Protocol):
    """What makes one task differ from another: its scene, its start, its state and its goal."""

    @property
    def name(self) -> str:
        """Name of the task."""
        ...

    @property
    def max_ticks(self) -> int:
        """Control ticks after which an episode counts as failed."""
        ...

    @property
    def hold_ticks(self) -> int:
        """Control ticks for which the goal must hold without a break."""
        ...

    @property
    def scene(self) -> Scene:
        """What stands on the table."""
        ...

    @property
    def state_names(self) -> tuple[str, ...]:
        """One name for every number in `state`."""
        ...

    def place(self, world: ArmWorld, rng: np.random.Generator) -> None:
        """Put the things of the scene where the episode starts; the arm is already home."""
        ...

    def state(self, world: ArmWorld) -> Array:
        """Return the privileged state, (S,)."""
        ...

    def reached(self, world: ArmWorld) -> bool:
        """Say whether the goal is met at this instant."""
        ...


class ArmTask:
    """A `Task` on our own arm; `world` gives scripted experts and tests the inside view."""

    dt = CONTROL_DT
    physics_dt = PHYSICS_DT
    camera_names = CAMERAS
    image_size = IMAGE_SIZE
    joints: tuple[JointSpec, ...] = JOINTS

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.world = ArmWorld(rules.scene)
        self._reached_since_s: float | None = None
        self.reset(0)

    @property
    def name(self) -> str:
        """Name under which the task is listed in `TASKS`."""
        return self.rules.name

    @property
    def max_ticks(self) -> int:
        """Control ticks after which an episode counts as failed."""
        return self.rules.max_ticks

    @property
    def state_names(self) -> tuple[str, ...]:
        """One name for every number in `state`."""
        return self.rules.state_names

    @property
    def time_s(self) -> float:
        """Simulated time since the last reset, s."""
        return self.world.time_s

    def reset(self, seed: int) -> None:
        """Start the episode that belongs to `seed`; the same seed gives the same episode."""
        rng = np.random.default_rng(seed)
        self.world.reset(home_with_noise(rng))
        self.rules.place(self.world, rng)
        self._reached_since_s = None

    def command(self, target: Array) -> None:
        """Set the servo targets, (Da,), that hold until the next command."""
        self.world.command(target)

    def advance(self, duration_s: float) -> None:
        """Let `duration_s` pass, a whole multiple of `physics_dt`."""
        self.world.advance(duration_s)
        if not self.rules.reached(self.world):
            self._reached_since_s = None
        elif self._reached_since_s is None:
            self._reached_since_s = self.time_s

    def step(self, action: Array) -> None:
        """Command `action`, (Da,), and advance by `dt`: one lockstep tick."""
        self.command(action)
        self.advance(self.dt)

    def joint_positions(self) -> Array:
        """Return the measured joint positions, (Dj,)."""
        return self.world.joint_positions()

    def joint_velocities(self) -> Array:
        """Return the measured joint velocities, (Dj,)."""
        return self.world.joint_velocities()

    def effector_position(self) -> Array:
        """Return the point between the fingertips in the base frame, (3,), m."""
        return self.world.tip_position()

    def state(self) -> Array:
        """Return the privileged state, (S,), named by `state_names`."""
        return self.rules.state(self.world)

    def images(self) -> dict[str, Image]:
        """Return what every camera sees now, (H, W, 3) each, by camera name."""
        return self.world.images()

    def film(self, size: tuple[int, int]) -> Image:
        """Return a wide, pretty picture of the scene, (H, W, 3), for people."""
        return self.world.film(size)

    def success(self) -> bool:
        """Say whether the goal is met and has been for `hold_ticks`."""
        if self._reached_since_s is None:
            return False
        # Time is a sum of physics steps, and may fall short of whole ticks by rounding.
        return self.time_s - self._reached_since_s >= self.rules.hold_ticks * self.dt - 1e-9

    def score(self) -> float:
        """Return 1 where the goal is met and 0 where it is not: nothing is half lifted."""
        return float(self.success())

    def scene(self) -> Array:
        """Return where arm, blocks and marks are, (P,)."""
        return scene_of(self.world)

    def show(self, scene: Array) -> None:
        """Put everything where `scene`, (P,), says; nothing moves on."""
        show(self.world, scene)

    def film_camera(self, size: tuple[int, int]) -> ArmFilmCamera:
        """Return the camera for films, its pictures of this height and width."""
        self.images()  # their graphics context must exist before the film's changes the quality
        return ArmFilmCamera(self.world, size)

    def close(self) -> None:
        """Free the graphics contexts; closing twice is harmless."""
        self.world.close()
