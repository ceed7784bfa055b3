# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path

import cv2
import pytest

pytest.importorskip("mujoco")

from dp_accel_ros.evaluate.demo.config import RECORDING, DemoConfig
from dp_accel_ros.evaluate.demo.film_frame import SIZE
from dp_accel_ros.evaluate.demo.folder import (
    recorded_episodes,
    write_demo_film,
    write_plots,
    write_summary,
)
from dp_accel_ros.evaluate.demo.telemetry import Heard, Telemetry
from dp_accel_ros.evaluate.demo.watch import EpisodeOutcome
from dp_accel_ros.evaluate.method_settings import method_config
from dp_accel_ros.sim import TASKS
from dp_accel_ros.sim.recording import Recorder

OUTCOMES = [
    EpisodeOutcome(1, 70, True, 0.08, began_ns=1, reset_ns=2),
    EpisodeOutcome(2, 71, False, 6.4, began_ns=3, reset_ns=4),
]


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> DemoConfig:
    """Return a demo in whose folder two episodes of three images were recorded."""
    out = tmp_path_factory.mktemp("demo")
    task, recorder = TASKS["lift"](), Recorder()
    for row in range(6):
        task.step(task.joint_positions())
        recorder.append(
            40_000_000 * (row + 1),
            episode=1 + row // 3,
            success=row == 2,
            imaged=True,
            measured=task.joint_positions(),
            commanded=task.joint_positions(),
            scene=task.scene(),
        )
    recorder.recording().save(out / RECORDING)
    task.close()
    return DemoConfig(
        bundle=Path("models/lift"),
        task="lift",
        method="alt",
        settings=method_config("alt"),
        out=out,
        seed=70,
        episodes=2,
        minutes=None,
        domain=42,
    )


@pytest.fixture
def heard() -> Telemetry:
    telemetry = Telemetry()
    times = [40_000_000 * tick for tick in range(1, 20)]
    telemetry.trajectories += [Heard(t, t, t) for t in times]
    telemetry.chunks.append(Heard(50_000_000, 60_000_000, 61_000_000))
    return telemetry


def test_the_summary_holds_the_success_rate_with_its_interval(config, heard):
    write_summary(config, OUTCOMES, heard, 0.04, {"machine": {"cores": 2}})
    summary = json.loads((config.out / "summary.json").read_text())
    assert (summary["success"]["successes"], summary["success"]["episodes"]) == (1, 2)
    assert summary["success"]["wilson_95"] == [0.0945, 0.9055]
    assert summary["machine"] == {"cores": 2}


def test_the_summary_of_a_demo_without_an_episode_can_be_written(config):
    summary = write_summary(config, [], Telemetry(), 0.04, {})
    assert summary["success"]["rate"] is None


def test_the_plots_are_pictures(config, heard):
    for path in write_plots(config, OUTCOMES, heard, 0.04):
        assert cv2.imread(str(path)).shape[1] > 1000


def test_the_recording_is_cut_into_its_episodes(config):
    assert [len(e.stamp_ns) for e in recorded_episodes(config, OUTCOMES)] == [3, 3]


def test_the_film_has_a_frame_for_every_image(config):
    counted = []
    episodes = recorded_episodes(config, OUTCOMES)
    path = write_demo_film(
        config, episodes, 10.0, lambda done, total: counted.append((done, total))
    )
    film = cv2.VideoCapture(str(path))
    frames = [film.read()[1] for _ in range(6)]
    assert counted[-1] == (6, 6)
    assert frames[5].shape == (*SIZE, 3)
    assert not film.read()[0]
