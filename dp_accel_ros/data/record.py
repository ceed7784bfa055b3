# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Recording: an expert runs in a task, and what it saw and did becomes an episode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.data.episodes import EpisodeWriter
from dp_accel_ros.errors import ConfigError, DataError, SimulationError
from dp_accel_ros.sim.base import Array, Task

Frame = Mapping[str, NDArray[Any]]
"""One row of every array of an episode."""


class Expert(Protocol):
    """Whoever demonstrates: plans when an episode starts, then acts once a tick."""

    def reset(self, task: Any, rng: np.random.Generator) -> None:
        """Plan from where the task is now."""
        ...

    def act(self, task: Any) -> Array:
        """Return the joint targets, (Da,), of the coming tick."""
        ...

    def done(self, task: Any) -> bool:
        """Say whether the plan is over."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """Noise on the executed targets while the recorded action stays the expert's own (DART).

    The arm then visits states beside the expert's path, and the data says how to come back.
    """

    sigma_rad: float = 0.008
    """Standard deviation per arm joint; 0 turns exploration off."""

    correlation: float = 0.8
    """Of the noise from one tick to the next; white noise would be filtered by the servos."""

    def __post_init__(self) -> None:
        if self.sigma_rad < 0 or not 0 <= self.correlation < 1:
            raise ConfigError(f"expected `sigma_rad` >= 0 and `correlation` in [0, 1), got {self}")

    def after(self, noise: Array, rng: np.random.Generator) -> Array:
        """Return the noise of the next tick, (Da,); the last slot, the gripper, has none."""
        fresh = rng.normal(0.0, self.sigma_rad, len(noise))
        fresh[-1] = 0.0
        return self.correlation * noise + np.sqrt(1 - self.correlation**2) * fresh


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of one seed."""

    seed: int
    succeeded: bool
    n_frames: int


def facts_of(task: Task, *, with_images: bool = True) -> dict[str, Any]:
    """Return the attributes of a file recorded from a task."""
    return {
        "task": task.name,
        "dt": task.dt,
        "joints": [joint.name for joint in task.joints],
        "cameras": list(task.camera_names) if with_images else [],
        "state_names": list(task.state_names),
    }


def frame_of(task: Task, *, with_images: bool = True) -> dict[str, NDArray[Any]]:
    """Return what is seen and measured now, one row for each array of an episode."""
    # drawing costs many times what everything else does, so what nobody looks at is not drawn
    seen = task.images() if with_images else {}
    images = {f"img_{name}": image for name, image in seen.items()}
    measured = {
        "joint_position": task.joint_positions(),
        "joint_velocity": task.joint_velocities(),
        "state": task.state(),
    }
    return images | {key: np.float32(row) for key, row in measured.items()}  # type: ignore[return-value]


def stacked(frames: Sequence[Frame]) -> dict[str, NDArray[Any]]:
    """Return the rows of an episode, (L, ...), from its frames."""
    return {key: np.stack([frame[key] for frame in frames]) for key in frames[0]}


def demonstration(
    task: Task,
    expert: Expert,
    seed: int,
    exploration: Exploration,
    *,
    tail_ticks: int = 4,
    with_images: bool = True,
) -> dict[str, NDArray[Any]] | None:
    """Return one successful episode, or None where the expert failed.

    The episode ends `tail_ticks` after the expert is done and the task solved, so that the data
    also shows how to hold still at the goal.
    """
    rng = np.random.default_rng([seed, 1])
    task.reset(seed)
    try:
        expert.reset(task, rng)
    except SimulationError:
        return None
    frames: list[Frame] = []
    noise, left = np.zeros(len(task.joints)), tail_ticks
    for _ in range(task.max_ticks):
        action = expert.act(task)
        seen = frame_of(task, with_images=with_images)
        frames.append({**seen, "action": np.asarray(action, dtype=np.float32)})
        noise = exploration.after(noise, rng)
        task.step(action + noise)
        left -= task.success() and expert.done(task)
        if not left:
            return stacked(frames)
    return None


def record(
    task: Task,
    expert: Expert,
    writer: EpisodeWriter,
    n_episodes: int,
    first_seed: int = 0,
    exploration: Exploration | None = None,
    *,
    with_images: bool = True,
) -> Iterator[Recorded]:
    """Record successes until the file has `n_episodes`, yielding after every seed.

    Raises:
        DataError: The expert fails more often than it succeeds.
    """
    seed = first_seed if writer.last_seed is None else writer.last_seed + 1
    n_failed = 0
    while writer.n_episodes < n_episodes:
        episode = demonstration(
            task, expert, seed, exploration or Exploration(), with_images=with_images
        )
        if episode is not None:
            writer.append(episode, seed)
        n_failed += episode is None
        if n_failed > 10 + writer.n_episodes:
            raise DataError(f"the expert failed on {n_failed} of the seeds up to {seed}")
        yield Recorded(seed, episode is not None, len(episode["action"]) if episode else 0)
        seed += 1
