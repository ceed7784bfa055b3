# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What a demo leaves behind: summary, plots, film and the recording that they are made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from dp_accel_ros.evaluate.demo.config import RECORDING, DemoConfig
from dp_accel_ros.evaluate.demo.film import FilmTexts, n_frames, write_film
from dp_accel_ros.evaluate.demo.numbers import demo_numbers, numbers_for_json
from dp_accel_ros.evaluate.demo.plots import plot_joints, plot_latency
from dp_accel_ros.evaluate.demo.telemetry import Telemetry
from dp_accel_ros.evaluate.demo.watch import EpisodeOutcome
from dp_accel_ros.evaluate.method_settings import settings_line
from dp_accel_ros.evaluate.statistics import SuccessRate, quantiles
from dp_accel_ros.sim import TASKS
from dp_accel_ros.sim.recording import Recording

SUMMARY = "summary.json"


def write_summary(
    config: DemoConfig,
    outcomes: Sequence[EpisodeOutcome],
    heard: Telemetry,
    dt: float,
    facts: dict[str, Any],
) -> dict[str, Any]:
    """Write `summary.json` and return what is in it.

    Args:
        config: What was asked for.
        outcomes: How the episodes ended.
        heard: What was heard on the topics.
        dt: The control step, s.
        facts: Further entries, for example the machine and the shares of its processor time.
    """
    rate = SuccessRate.of(outcome.success for outcome in outcomes)
    began_ns = outcomes[0].began_ns if outcomes else 0
    pauses_ns = [(outcome.began_ns, outcome.reset_ns) for outcome in outcomes]
    summary = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "task": config.task,
        "bundle": str(config.bundle),
        "method": config.method,
        "settings": settings_line(config.settings),
        "scheduler": config.scheduler,
        "clock": "wall-clock time, through the nodes",
        "success": {
            "episodes": rate.episodes,
            "successes": rate.successes,
            "rate": round(rate.rate, 4) if rate.episodes else None,
            "wilson_95": [round(bound, 4) for bound in rate.interval()],
            "duration_of_successes": quantiles(
                [outcome.duration_s for outcome in outcomes if outcome.success]
            ).as_dict("s"),
        },
        **numbers_for_json(demo_numbers(heard, dt, pauses_ns, began_ns)),
        "episodes": [asdict(outcome) for outcome in outcomes],
        **facts,
    }
    path = config.out / SUMMARY
    path.write_text(json.dumps(summary, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return summary


def write_plots(
    config: DemoConfig, outcomes: Sequence[EpisodeOutcome], heard: Telemetry, dt: float
) -> list[Path]:
    """Write the plots of a demo and return their paths; without a recording, only the first."""
    title = f"{config.task}, {config.method} ({settings_line(config.settings)})"
    written = [plot_latency(config.out / "latency.png", heard, dt, title)]
    episodes = recorded_episodes(config, outcomes)
    if episodes:
        joints = TASKS[config.task]().joints
        named = f"{title}: episode 1, seed {outcomes[0].seed}"
        written.append(plot_joints(config.out / "joints.png", episodes[0], joints, named))
    return written


def recorded_episodes(config: DemoConfig, outcomes: Sequence[EpisodeOutcome]) -> list[Recording]:
    """Return what was recorded of each episode that has ended, or nothing without a recording."""
    path = config.out / RECORDING
    if not path.exists():
        return []
    whole = Recording.load(path)
    episodes = [whole.of_episode(outcome.number) for outcome in outcomes]
    return [episode for episode in episodes if len(episode.stamp_ns)]


def write_demo_film(
    config: DemoConfig,
    episodes: Sequence[Recording],
    nfe: float | None,
    on_frame: Callable[[int, int], None],
) -> Path:
    """Write the film of some episodes.

    Args:
        config: What was asked for.
        episodes: What is shown.
        nfe: Mean network evaluations per chunk, for the caption.
        on_frame: Hears how many frames of how many are done.
    """
    task = TASKS[config.task]()
    total, done = n_frames(episodes), count(1)
    effort = "" if nfe is None else f" · {nfe:.0f} network evaluations per chunk"
    texts = FilmTexts("dp_accel_ros", f"{config.task} · {config.method}{effort}", len(episodes))
    try:
        return write_film(
            config.out / "film", task, episodes, texts, lambda: on_frame(next(done), total)
        )
    finally:
        task.close()
