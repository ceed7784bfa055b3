# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Frames for the visual encoder: many scenes, each seen at a few moments of a disturbed run.

The demonstrations alone show few cube positions and a perfect arm. Here every scene is another
seed, the arm is pushed off the expert's path, and failed grasps stay in. Where there is no expert,
everything is scattered about instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.data.episodes import EpisodeWriter
from dp_accel_ros.data.record import Expert, Exploration, frame_of, stacked
from dp_accel_ros.errors import SimulationError
from dp_accel_ros.sim.base import Array, Task

FramesOf = Callable[[int], dict[str, NDArray[Any]] | None]
"""From a seed to frames, (F, ...), or None where it gives none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PerceptionSet:
    """How many scenes and how far the arm strays in them."""

    n_scenes: int = 1000
    frames_per_scene: int = 25
    first_seed: int = 1_000_000
    """Far from the seeds of demonstrations and of evaluations."""

    max_sigma_rad: float = 0.05
    """Each scene draws its own disturbance between 0 and this."""

    def of_run(self, task: Task, expert: Expert, seed: int) -> dict[str, NDArray[Any]] | None:
        """Return the frames of one scene, (F, ...), or None where the expert found no plan."""
        rng = np.random.default_rng([seed, 2])
        task.reset(seed)
        try:
            expert.reset(task, rng)
        except SimulationError:
            return None
        disturbance = Exploration(sigma_rad=rng.uniform(0, self.max_sigma_rad), correlation=0.9)
        kept = set(rng.choice(task.max_ticks * 3 // 4, self.frames_per_scene, replace=False))
        noise, frames = np.zeros(len(task.joints)), []
        for tick in range(max(kept) + 1):
            if tick in kept:
                frames.append(frame_of(task))
            noise = disturbance.after(noise, rng)
            task.step(expert.act(task) + noise)
        return stacked(frames)

    def of_scattered(
        self, task: Task, draw: Callable[[np.random.Generator], Array], seed: int
    ) -> dict[str, NDArray[Any]]:
        """Return frames of scenes that have nothing to do with each other, (F, ...)."""
        rng, frames = np.random.default_rng([seed, 2]), []
        for _ in range(self.frames_per_scene):
            task.show(draw(rng))
            frames.append(frame_of(task))
        return stacked(frames)

    def render(self, frames_of: FramesOf, writer: EpisodeWriter) -> Iterator[int]:
        """Fill the file up to `n_scenes` with the frames of one seed after another, yielding each."""
        seed = self.first_seed if writer.last_seed is None else writer.last_seed + 1
        while writer.n_episodes < self.n_scenes:
            frames = frames_of(seed)
            if frames is not None:
                writer.append(frames, seed)
            yield seed
            seed += 1
