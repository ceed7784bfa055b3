# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""`dp-accel check-bundle`: everything a robot would check, and what is in the bundle."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from dp_accel_ros.bundle import Bundle, load_bundle
from dp_accel_ros.cli.bundle_options import default_bundle
from dp_accel_ros.manifest.encoders import PIXELS, Estimator
from dp_accel_ros.manifest.parts import Camera, KarrasDenoiser
from dp_accel_ros.predict.assemble import load_policy
from dp_accel_ros.predict.retrieval.calibration import Calibration
from dp_accel_ros.predict.speculation.scheduling.ppo_scheduler import (
    PpoScheduler,
    load_scheduler,
    settings_of,
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument("bundle", type=Path, nargs="?", default=default_bundle())


def run(args: argparse.Namespace) -> int:
    """Load the bundle and every network in it, and print what was found."""
    bundle = load_bundle(args.bundle)
    load_policy(bundle)
    if bundle.manifest.estimator is not None:
        load_policy(bundle.observed_by(PIXELS))
    scheduler = None if bundle.manifest.scheduler is None else load_scheduler(bundle)
    table = Table("", "", title=str(args.bundle), show_header=False)
    for name, text in _lines(bundle, scheduler):
        table.add_row(name, text)
    console = Console()
    console.print(table)
    console.print("[green]the bundle is whole: checksums, arrays and networks agree")
    return 0


def _lines(bundle: Bundle, scheduler: PpoScheduler | None) -> list[tuple[str, str]]:
    manifest = bundle.manifest
    joints = "\n".join(
        f"{joint.name}  {joint.lower:g} to {joint.upper:g} {joint.unit},"
        f" up to {joint.max_velocity:g} {joint.unit}/s"
        for joint in manifest.joints
    )
    cameras = _cameras_line(manifest.cameras)
    state = f"{len(manifest.state)} numbers: {', '.join(manifest.state)}"
    schedule = manifest.schedule
    sizes = {name: bundle.file(name).stat().st_size / 1e6 for name in manifest.files}
    return [
        ("task", manifest.task),
        ("licence", manifest.licence),
        ("cameras", cameras or "none"),
        ("state", state if manifest.state else "none"),
        ("estimator", _estimator_line(manifest.estimator)),
        ("joints", joints),
        (
            "chunk",
            f"horizon {manifest.horizon}, {manifest.n_obs_steps} observation steps,"
            f" {manifest.n_action_steps} actions run, every {manifest.dt:g} s",
        ),
        (
            "schedule",
            f"{schedule.num_train_timesteps} steps, {schedule.beta_schedule},"
            f" {schedule.prediction_type}, clip_sample {str(schedule.clip_sample).lower()}",
        ),
        (
            "features",
            f"policy {manifest.encoder.feature_dim}, ALT {manifest.alt_encoder.feature_dim}",
        ),
        ("EDM teacher", _levels_line(manifest.edm)),
        ("student", _levels_line(manifest.consistency)),
        ("store", _store_line(bundle)),
        ("calibration", _calibration_line(bundle)),
        ("knowledge", _knowledge_line(bundle)),
        ("scheduler", _scheduler_line(scheduler)),
        ("files", "\n".join(f"{name}  {size:.2f} MB" for name, size in sizes.items())),
        ("in all", f"{sum(sizes.values()):.1f} MB"),
        *((f"made: {key}", _short(value)) for key, value in manifest.provenance.items()),
    ]


def _cameras_line(cameras: Sequence[Camera]) -> str:
    return ", ".join(f"{camera.name} {camera.width}x{camera.height}" for camera in cameras)


def _estimator_line(facts: Estimator | None) -> str:
    if facts is None:
        return "none"
    measured = ", ".join(f"{name} {value:g}" for name, value in facts.measured.items())
    return f"the state from {_cameras_line(facts.cameras)}; {measured or 'not measured'}"


def _levels_line(facts: KarrasDenoiser | None) -> str:
    if facts is None:
        return "none"
    levels = facts.schedule
    return f"{levels.bins} levels, sigma {levels.sigma_min:g} to {levels.sigma_max:g}"


def _store_line(bundle: Bundle) -> str:
    store, facts = bundle.store, bundle.manifest.retrieval
    if store is None or facts is None:
        return "none"
    return (
        f"{len(store.episode_ends)} demonstrations, {len(store.actions)} frames,"
        f" ALT threshold {facts.alt_threshold:.4f}"
    )


def _calibration_line(bundle: Bundle) -> str:
    facts, arrays = bundle.manifest.calibration, bundle.calibration
    if facts is None or arrays is None:
        return "none"
    if not facts.belongs_to(bundle.manifest.files.values()):
        return "of another store; run `dp-accel calibrate`"
    gamma = Calibration.of(arrays, facts.false_alarm_rate).threshold()
    return (
        f"{len(arrays.episode_ends)} held-out episodes, ALT threshold {gamma:.4f} for a false"
        f" alarm rate of {facts.false_alarm_rate:.3g}"
    )


def _knowledge_line(bundle: Bundle) -> str:
    facts, arrays = bundle.manifest.knowledge, bundle.knowledge
    if facts is None or arrays is None:
        return "none"
    n_noises, n_conditions = arrays.states.shape[:2]
    return (
        f"{facts.solver}-{facts.num_inference_steps}, {n_noises} noises, {n_conditions}"
        f" conditions, steps {', '.join(map(str, facts.steps))}"
    )


def _scheduler_line(scheduler: PpoScheduler | None) -> str:
    if scheduler is None:
        return "none"
    settings = ", ".join(f"{name}={value}" for name, value in settings_of(scheduler.base).items())
    return f"sees {scheduler.view.size} numbers; trained under {settings}"


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {inner}" for key, inner in value.items())
    return str(value)
