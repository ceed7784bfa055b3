# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Push-T: a round pusher shoves a T onto its goal, in the physics of gym-pusht.

The pusher is a planar robot of two prismatic joints. A pixel of the original is a millimetre here:
its square is 0.512 m wide, x goes to the right and y down, as in its pictures. What is commanded
is where the pusher should be; it follows as the original's spring and damper have it.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

import cv2
import numpy as np

from dp_accel_ros.errors import ConfigError, ShapeError, SimulationError
from dp_accel_ros.sim.base import Array, Image, JointSpec
from dp_accel_ros.sim.tee import STATE_NAMES, tee_state

M_PER_PX = 0.001
SIDE_PX = 512
SUCCESS_COVERAGE = 0.95
"""Share of the goal that the T has to cover."""

GOAL = np.array([0.256, 0.256, np.pi / 4])
"""Where the T shall be: x, y, angle, (3,), m and rad."""

INSTALL = (
    "pip install 'dp_accel_ros[pusht]' && pip install --no-deps gym-pusht==0.1.8"
    "  (without its dependencies, because its build of OpenCV breaks the headless one)"
)


def initial_state(seed: int) -> Array:
    """Return the pusher's x, y and the T's x, y, angle, (5,), px and rad, as the paper draws them.

    The paper's evaluations begin at seed 100000 (Chi et al. 2023, `pusht_lowdim.yaml`).
    """
    rng = np.random.RandomState(seed)
    ranges = ((50, 450), (50, 450), (100, 400), (100, 400))
    return np.array([*(rng.randint(*r) for r in ranges), rng.randn() * 2 * np.pi - np.pi])


def scattered_scene(rng: np.random.Generator) -> Array:
    """Return a scene as `show` takes it, (5,), with the T and the pusher anywhere, m and rad.

    Half of them have the T about its goal and half the pusher about the T, as episodes do.
    """
    tee = np.array([*rng.uniform(0.06, 0.45, 2), rng.uniform(-np.pi, np.pi)])
    if rng.random() < 0.5:
        tee = GOAL + rng.normal(0.0, (0.05, 0.05, 0.5))
    pusher = rng.uniform(0.01, 0.5, 2)
    if rng.random() < 0.5:
        pusher = np.clip(tee[:2] + rng.normal(0.0, 0.08, 2), 0.01, 0.5)
    return np.array([*pusher, *tee])


class PushT:
    """A `Task` without an arm: `joints` are the pusher's two axes, `state` where the T is."""

    name = "pusht"
    dt = 0.1
    physics_dt = 0.01
    max_ticks = 300
    camera_names = ("top",)
    image_size = (96, 96)
    state_names = STATE_NAMES
    # The fastest demonstrated target moves by 135 px in a tick; nothing below may cut that.
    joints = tuple(
        JointSpec(f"pusher_{axis}", "m", 0.0, SIDE_PX * M_PER_PX, 1.5) for axis in ("x", "y")
    )

    def __init__(self) -> None:
        self._env = _pusht_env()
        self._target_px = np.zeros(2)
        self._slices = 0
        self._best = 0.0
        self.reset(0)

    @property
    def time_s(self) -> float:
        """Simulated time since the last reset, s."""
        return self._slices * self.physics_dt

    def reset(self, seed: int) -> None:
        """Start the episode that the paper's evaluation starts from `seed`."""
        # This sets the T's position before its angle, which moves it, and so did the paper's runs.
        self._env.reset(options={"reset_to_state": initial_state(seed)})
        self._begin()

    def place(self, state: Array) -> None:
        """Start an episode where the pusher and the T are at `state`, (5,), as `scene` gives it."""
        self._env.reset(options={"reset_to_state": initial_state(0)})
        self.show(state)
        self._begin()

    def _begin(self) -> None:
        self._target_px = np.array(self._env.agent.position)
        self._slices, self._best = 0, 0.0

    def command(self, target: Array) -> None:
        """Set where the pusher should be, (2,), m; it holds until the next command."""
        target = np.asarray(target, dtype=np.float64)
        if target.shape != (2,):
            raise ShapeError("`target`", (2,), target.shape)
        self._target_px = np.clip(target / M_PER_PX, 0.0, SIDE_PX)

    def advance(self, duration_s: float) -> None:
        """Let `duration_s` pass, a whole multiple of `physics_dt`."""
        n_slices = round(duration_s / self.physics_dt)
        if n_slices < 1 or abs(n_slices * self.physics_dt - duration_s) > 1e-9:
            raise ConfigError(
                f"`duration_s` must be a positive multiple of {self.physics_dt} s, got {duration_s}"
            )
        for _ in range(n_slices):
            self._advance_one()

    def _advance_one(self) -> None:
        env = self._env
        spring = env.k_p * (self._target_px - np.array(env.agent.position))
        damper = env.k_v * np.array(env.agent.velocity)
        velocity = np.array(env.agent.velocity) + (spring - damper) * self.physics_dt
        env.agent.velocity = velocity.tolist()
        env.space.step(self.physics_dt)
        self._slices += 1
        # Only where the original looks too: coverage between its steps would be extra chances.
        if self._slices % round(self.dt / self.physics_dt) == 0:
            self._best = max(self._best, self.coverage())

    def step(self, action: Array) -> None:
        """Command `action`, (2,), and advance by `dt`: one lockstep tick."""
        self.command(action)
        self.advance(self.dt)

    def joint_positions(self) -> Array:
        """Return where the pusher is, (2,), m."""
        return np.array(self._env.agent.position) * M_PER_PX

    def joint_velocities(self) -> Array:
        """Return how fast the pusher moves, (2,), m/s."""
        return np.array(self._env.agent.velocity) * M_PER_PX

    def effector_position(self) -> Array:
        """Return where the pusher is, (2,), m."""
        return self.joint_positions()

    def state(self) -> Array:
        """Return the corners of the T, absolute and from the pusher, (32,), m."""
        return tee_state(self.scene()[None])[0]

    def coverage(self) -> float:
        """Return how much of the goal the T covers now, from 0 to 1."""
        return float(self._env._get_coverage())

    def success(self) -> bool:
        """Say whether the T has covered enough of the goal at any tick so far."""
        return self._best > SUCCESS_COVERAGE

    def score(self) -> float:
        """Return the paper's score: the best coverage so far over what success needs, up to 1."""
        return min(1.0, self._best / SUCCESS_COVERAGE)

    def images(self) -> dict[str, Image]:
        """Return what the camera above sees now, (96, 96, 3)."""
        return {"top": self._env.get_obs()}

    def scene(self) -> Array:
        """Return the pusher's x, y and the T's x, y, angle, (5,), m and rad."""
        env = self._env
        xy = np.array([*env.agent.position, *env.block.position]) * M_PER_PX
        return np.array([*xy, env.block.angle])

    def show(self, scene: Array) -> None:
        """Put pusher and T where `scene`, (5,), says, at rest; no time passes."""
        if np.shape(scene) != (5,):
            raise ShapeError("`scene`", (5,), np.shape(scene))
        env, px = self._env, np.asarray(scene[:4]) / M_PER_PX
        env.agent.position, env.agent.velocity = px[:2].tolist(), (0, 0)
        # In this order: turning the T turns it about its centre of mass, which moves its origin.
        env.block.angle = float(scene[4])
        env.block.position = px[2:].tolist()
        env.block.velocity, env.block.angular_velocity = (0, 0), 0.0
        env.space.reindex_shapes_for_body(env.agent)
        env.space.reindex_shapes_for_body(env.block)

    def film_camera(self, size: tuple[int, int]) -> TopView:
        """Return a camera that draws the scene at `size`, for people."""
        return TopView(self._env, size)

    def close(self) -> None:
        """Free what draws; closing twice is harmless."""
        self._env.close()


class TopView:
    """Pictures of the whole square in the middle of a frame of any shape."""

    def __init__(self, env: Any, size: tuple[int, int]) -> None:
        self._env, self._size = env, size

    def picture(self) -> Image:
        """Return the scene, (H, W, 3)."""
        side = min(self._size)
        square = cv2.resize(
            self._env._get_img(self._env._draw(), SIDE_PX, SIDE_PX),
            (side, side),
            interpolation=cv2.INTER_AREA if side < SIDE_PX else cv2.INTER_CUBIC,
        )
        frame = np.full((*self._size, 3), 255, np.uint8)
        top, left = (self._size[0] - side) // 2, (self._size[1] - side) // 2
        frame[top : top + side, left : left + side] = square
        return frame

    def close(self) -> None:
        """Free nothing: the environment owns what draws."""


def _pusht_env() -> Any:
    """Return gym-pusht's environment, or say how to install it."""
    # pygame greets on standard output when it is imported
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        module = importlib.import_module("gym_pusht.envs.pusht")
    except ImportError as error:
        raise SimulationError(f"task 'pusht' needs gym-pusht: {error}; {INSTALL}") from error
    return module.PushTEnv(obs_type="pixels")
