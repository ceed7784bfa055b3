# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A trained chunk scheduler becomes part of the bundle that it was trained with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO

from dp_accel_ros.bundle import Bundle
from dp_accel_ros.bundle.networks import put_section
from dp_accel_ros.predict.speculation.scheduling.choices import output_names
from dp_accel_ros.predict.speculation.scheduling.onnx_actor import ACTION, OBSERVATION
from dp_accel_ros.predict.speculation.scheduling.ppo_scheduler import settings_of
from dp_accel_ros.train.export import Parity, export
from dp_accel_ros.train.run_folder import RunFolder
from dp_accel_ros.train.scheduler import MeanAction, PpoConfig, Row
from dp_accel_ros.train.scheduler_env import ChunkEnv, Reward

FILE = "scheduler.onnx"
N_SAMPLES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerRecipe:
    """What decides what a scheduler will be, besides how long it is trained."""

    denoiser: str
    """sha256 of its file, whose acceptance the scheduler learns."""

    accept: str = "exact"
    drafter: str = "retrieved"
    reward: Reward = field(default_factory=Reward)
    ppo: PpoConfig = field(default_factory=PpoConfig)


def export_actor(agent: PPO, folder: RunFolder) -> Parity:
    """Write what the agent does without exploring as an ONNX file, compared with torch."""
    (size,) = agent.observation_space.shape or (0,)
    drawn = np.random.default_rng(0).normal(size=(N_SAMPLES, size)).astype(np.float32)
    seen = {OBSERVATION: torch.from_numpy(drawn)}
    return export(MeanAction(agent), seen, ACTION, folder.path / FILE)


def section_of(env: ChunkEnv) -> dict[str, Any]:
    """Return what the manifest says of an actor that was trained there, besides its file."""
    return {
        "episode_s": env.view.episode_s,
        "settings": settings_of(env.base),
        "inputs": env.view.inputs,
        "outputs": list(output_names(env.base.accept)),
    }


def add_to_bundle(path: str | Path, env: ChunkEnv, folder: RunFolder) -> Bundle:
    """Put the exported actor of a run into a bundle and return it as loading finds it."""
    network = {"file": folder.path / FILE}
    return put_section(path, "scheduler", section_of(env), network, folder.made)


def plot_curve(curve: Sequence[Row], path: Path) -> None:
    """Draw what was learned: reward, network calls and draft lengths over the chunks."""
    from matplotlib.figure import Figure

    if not curve:
        return
    chunks = np.cumsum([row["chunks"] for row in curve])
    lengths = [key for key in curve[0] if key.startswith("draft_length")]
    panels = {
        "reward of a chunk": ("reward",),
        "of 100 steps": ("rounds", "rows"),
        "acceptance": ("acceptance",),
        "draft length": tuple(lengths),
    }
    figure = Figure(figsize=(10, 2.8), layout="constrained")
    for axes, (title, keys) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        for key in keys:
            axes.plot(chunks, [row[key] for row in curve], label=key)
        axes.set(title=title, xlabel="chunks")
        if len(keys) > 1:
            axes.legend(frameon=False, fontsize="small")
    figure.savefig(path, dpi=120)
