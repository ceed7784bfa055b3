# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The demo's two plots: how long things took, and where the arm was told to be and was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from dp_accel_ros.evaluate.demo.numbers import trajectory_times_ms
from dp_accel_ros.evaluate.demo.telemetry import Telemetry, first_action_ms, number
from dp_accel_ros.evaluate.figure import figure_of, written
from dp_accel_ros.sim.base import JointSpec
from dp_accel_ros.sim.recording import Recording

_STAGES = {"encode": "#26a6b8", "retrieve": "#e0a030", "sample": "#7a6fd0"}
_TOLD, _MEASURED, _GOOD = "#26a6b8", "#d9534f", "#40ba78"


def plot_latency(path: Path, heard: Telemetry, dt: float, title: str) -> Path:
    """Write the plot of inference, first action and period over the run; return its path."""
    figure, axes = figure_of(title, 3, (11.0, 8.0))
    begin_ns = heard.trajectories[0].published_ns if heard.trajectories else 0
    _inference(axes[0], heard, begin_ns)
    delays = first_action_ms(heard.chunks, heard.trajectories)
    _histogram(axes[1], delays, "observation to first published action [ms]", limit=80.0)
    offsets = trajectory_times_ms(heard.trajectories) - 1e3 * dt
    seconds = [(t.published_ns - begin_ns) / 1e9 for t in heard.trajectories[1:]]
    axes[2].plot(seconds, np.clip(offsets, -10, 10), ".", ms=2.5, color=_TOLD)
    axes[2].axhspan(-2, 2, color=_GOOD, alpha=0.15, lw=0)
    axes[2].set(ylabel="period error [ms]", xlabel="time [s]", ylim=(-10.5, 10.5))
    return written(figure, path)


def plot_joints(
    path: Path,
    recording: Recording,
    joints: Sequence[JointSpec],
    title: str,
) -> Path:
    """Write the plot of commanded and measured joints of one episode; return its path."""
    rows = -(-len(joints) // 2)
    figure, axes = figure_of(title, rows, (11.0, 2.0 * rows + 1.0), columns=2)
    seconds = (recording.stamp_ns - recording.stamp_ns[:1]) / 1e9
    reached = np.flatnonzero(recording.success)
    for index, (ax, joint) in enumerate(zip(axes, joints, strict=False)):
        ax.plot(seconds, recording.commanded[:, index], color=_TOLD, lw=1.6, label="commanded")
        ax.plot(seconds, recording.measured[:, index], color=_MEASURED, lw=1.0, label="measured")
        _widen(ax)
        if reached.size:
            ax.axvline(float(seconds[reached[0]]), color=_GOOD, lw=1.0)
        ax.set_ylabel(f"{joint.name} [{joint.unit}]")
    axes[0].legend(loc="upper right", frameon=False, fontsize=8)
    for ax in axes[-2:]:
        ax.set_xlabel("time in the episode [s]")
    return written(figure, path)


def _inference(ax: Axes, heard: Telemetry, begin_ns: int) -> None:
    seconds = [(inference.stamp_ns - begin_ns) / 1e9 for inference in heard.inferences]
    floor = np.zeros(len(seconds))
    for stage, colour in _STAGES.items():
        found = [number(inference.values, f"{stage}_ms") for inference in heard.inferences]
        height = np.nan_to_num(np.array(found, dtype=np.float64))
        if height.any():
            ax.vlines(seconds, floor, floor + height, color=colour, lw=1.5, label=stage)
        floor = floor + height
    ax.set(ylabel="inference [ms]", ylim=(0, None))
    if ax.collections:
        ax.legend(loc="upper right", frameon=False, fontsize=8, ncols=3)


def _widen(ax: Axes, least: float = 0.02) -> None:
    """Give a joint that stands still an axis on which it looks like that."""
    low, high = ax.get_ylim()
    if high - low < least:
        middle = (low + high) / 2
        ax.set_ylim(middle - least / 2, middle + least / 2)


def _histogram(ax: Axes, values: np.ndarray, label: str, limit: float) -> None:
    if values.size:
        ax.hist(values, bins=60, color=_TOLD)
        p99 = float(np.percentile(values, 99))
        ax.axvline(p99, color=_MEASURED, lw=1.2, label=f"p99 {p99:.1f} ms")
        ax.axvline(limit, color=_GOOD, lw=1.2, ls="--", label=f"limit {limit:g} ms")
        ax.legend(loc="upper center", frameon=False, fontsize=8)
    ax.set(xlabel=label, ylabel="chunks")
