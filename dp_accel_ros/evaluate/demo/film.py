# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The demo's film, drawn after the run from the recording, so that it costs the run nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dp_accel_ros.chunk import NS_PER_S
from dp_accel_ros.evaluate.demo.film_frame import SCENE_SIZE, SIZE, Caption, film_frame
from dp_accel_ros.evaluate.demo.video import VideoWriter
from dp_accel_ros.sim.base import FilmCamera, Image, Task
from dp_accel_ros.sim.recording import Recording

SCENE_EVERY = 2
"""The scene is drawn anew at every so many camera frames; it costs far more than all else."""


@dataclass(frozen=True, slots=True)
class FilmTexts:
    """What is written on every frame."""

    title: str
    subtitle: str
    n_episodes: int


def write_film(
    path: Path,
    task: Task,
    episodes: Sequence[Recording],
    texts: FilmTexts,
    on_frame: Callable[[], None] = lambda: None,
) -> Path:
    """Write the film of some episodes and return its path, whose ending depends on the codec.

    Args:
        path: The file without its ending.
        task: A task equal to the recorded one; it draws the pictures.
        episodes: What happened, one recording per episode.
        texts: What every frame says.
        on_frame: Called after every frame.
    """
    camera = task.film_camera(SCENE_SIZE)
    with VideoWriter(path, SIZE, 1.0 / task.dt) as video:
        for index, recording in enumerate(episodes):
            for frame in _frames(task, camera, _imaged(recording), texts, index + 1):
                video.write(frame)
                on_frame()
    camera.close()
    return video.path


def n_frames(episodes: Sequence[Recording]) -> int:
    """Return how many frames the film of these episodes has."""
    return sum(int(recording.imaged.sum()) for recording in episodes)


def _imaged(recording: Recording) -> Recording:
    """Return the instants at which the cameras took a picture."""
    return recording.rows(np.flatnonzero(recording.imaged))


def _frames(
    task: Task, camera: FilmCamera, recording: Recording, texts: FilmTexts, number: int
) -> Iterator[Image]:
    wide = np.zeros((*SCENE_SIZE, 3), np.uint8)
    for index, scene in enumerate(recording.scene):
        task.show(scene)
        if index % SCENE_EVERY == 0:
            wide = camera.picture()
        elapsed_s = float(recording.stamp_ns[index] - recording.stamp_ns[0]) / NS_PER_S
        last = index == len(recording.scene) - 1
        failed = "failed" if last and not recording.success[index] else ""
        caption = Caption(
            texts.title,
            texts.subtitle,
            f"episode {number} of {texts.n_episodes}",
            elapsed_s,
            elapsed_s / (task.max_ticks * task.dt),
            "success" if recording.success[index] else failed,
        )
        yield film_frame(wide, task.images(), caption)
