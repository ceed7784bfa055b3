# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The benchmark's three plots: what a method gives for its time, and how its drafts fare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from numpy.typing import NDArray

from dp_accel_ros.evaluate.bench.results import Results, RowResult
from dp_accel_ros.evaluate.figure import figure_of, written
from dp_accel_ros.evaluate.rollout.speculation_record import SpeculationRecord

FAMILIES = {
    "Solvers": "#555555",
    "RAGDP": "#d9534f",
    "ALT": "#40ba78",
    "ReDi": "#e0a030",
    "TS-DP": "#7a6fd0",
}
OTHER = "#26a6b8"
LEAST_TESTS = 10
"""Steps that were drafted less often are left out: their share means nothing."""

N_BINS = 8
COLUMNS = 3
"""Panels side by side in the plot of success: all rows, then each family by itself."""

Numbers = NDArray[np.float64]
Colour = str | tuple[float, float, float, float]


def plot_all(folder: Path, found: Results, task: str) -> list[Path]:
    """Write every plot for which there is something to show, and return the paths."""
    by_length, special = _halves([result for result in found.measured if _records(result)])
    panels = {"draft lengths": by_length, "drafters, rules": special}
    made = [plot_success(folder / "success_latency.png", found.measured, task)]
    if by_length or special:
        made.append(plot_acceptance(folder / "acceptance.png", panels, task))
    if by_length:
        made.append(plot_lengths(folder / "draft_length.png", by_length, task))
    return [path for path in made if path is not None]


def plot_success(path: Path, found: Sequence[RowResult], task: str) -> Path | None:
    """Write success against latency, with 95 % intervals; None where no row has both."""
    both = [result for result in found if result.episodes and result.timing is not None]
    if not both:
        return None
    families = list(dict.fromkeys(result.row.family for result in both))
    n_rows = -(-(1 + len(families)) // COLUMNS)
    title = f"{task}: success, with its 95 % interval, against the time of a chunk"
    figure, axes = figure_of(title, n_rows, (15.0, 5.5 * n_rows), COLUMNS)
    for ax in axes:
        ax.set(xlabel="chunk latency, p50 to p99 [ms]", ylabel="success")
    axes[0].set_xscale("log")
    for family, ax in zip(families, axes[1:], strict=False):
        own = [result for result in both if result.row.family == family]
        _points(axes[0], own, FAMILIES.get(family, OTHER), family)
        for result, colour in _coloured(own):
            _points(ax, [result], colour, result.row.label)
    for ax in axes[: 1 + len(families)]:
        ax.set_ylim(top=1.02)
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.13)}
        ax.legend(**below, frameon=False, fontsize=8, ncols=2)
    for ax in axes[1 + len(families) :]:
        ax.set_visible(False)
    return written(figure, path)


def plot_acceptance(path: Path, panels: Mapping[str, Sequence[RowResult]], task: str) -> Path:
    """Write the share of accepted drafts at every diffusion step (TS-DP, fig. 3), a panel a name."""
    shown = {name: group for name, group in panels.items() if group}
    size = (6.5 * len(shown), 5.5)
    figure, axes = figure_of(f"{task}: accepted drafts by diffusion step", 1, size, len(shown))
    for ax, (name, group) in zip(axes, shown.items(), strict=True):
        for result, colour in _coloured(group):
            share = acceptance_by_step(_records(result))
            ax.plot(np.arange(len(share)), share, color=colour, lw=1.4, label=result.row.label)
        ax.set(xlabel=f"diffusion step, 0 is pure noise ({name})", ylim=(0, 1.02))
        _legend(ax)
    axes[0].set_ylabel("accepted share of the tested drafts")
    return written(figure, path)


def plot_lengths(path: Path, found: Sequence[RowResult], task: str) -> Path:
    """Write drafts and accepted drafts of a round against the speed of the arm (TS-DP, fig. 4).

    Args:
        path: Of the picture.
        found: Rows that differ in draft lengths alone.
        task: Its name.
    """
    figure, axes = figure_of(f"{task}: drafts by the speed of the end effector", 1, (13.0, 5.5), 2)
    kinds: tuple[tuple[str, Callable[[SpeculationRecord], Sequence[int]]], ...] = (
        ("drafts in a round (K)", lambda record: record.drafts),
        ("accepted drafts in a round", lambda record: record.accepted),
    )
    for ax, (name, count) in zip(axes, kinds, strict=True):
        for result, colour in _coloured(found):
            speeds, per_round = per_round_by_speed(result, count)
            ax.errorbar(*_binned(speeds, per_round), color=colour, lw=1.2, label=result.row.label)
        ax.set(xlabel="mean speed of the end effector [m/s]", ylabel=name, ylim=(0, None))
        _legend(ax)
    return written(figure, path)


def acceptance_by_step(records: Sequence[SpeculationRecord]) -> Numbers:
    """Return the accepted share of the tested drafts at every step, (N,); NaN where few were."""
    tested = np.sum([record.tested_at for record in records], axis=0)
    accepted = np.sum([record.accepted_at for record in records], axis=0)
    share = np.full(len(tested), np.nan)
    return np.divide(accepted, tested, out=share, where=tested >= LEAST_TESTS)


def per_round_by_speed(
    result: RowResult, count: Callable[[SpeculationRecord], Sequence[int]]
) -> tuple[Numbers, Numbers]:
    """Return the speed during every chunk, and what is counted of it a round, (chunks,) each."""
    pairs = [(e.speeds, e.speculation) for e in result.episodes if e.speculation is not None]
    speeds = np.concatenate([np.array(speeds) for speeds, _ in pairs])
    each = np.concatenate([np.array(count(r)) / np.array(r.rounds) for _, r in pairs])
    return speeds, each


def _binned(speeds: Numbers, values: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return mean speed, mean value and its standard error in bins of as many chunks each."""
    order = np.argsort(speeds, kind="stable")
    bins = [part for part in np.array_split(order, N_BINS) if len(part)]
    errors = [values[part].std() / np.sqrt(len(part)) for part in bins]
    return (
        np.array([speeds[part].mean() for part in bins]),
        np.array([values[part].mean() for part in bins]),
        np.array(errors),
    )


def _points(ax: Axes, found: Sequence[RowResult], colour: Colour, label: str) -> None:
    """Draw rows with their intervals, and their times from median to 99th percentile."""
    rates = [result.success for result in found]
    times = np.array([_times_ms(result) for result in found])  # (rows, 2)
    ends = np.array([rate.interval() for rate in rates])
    heights = np.array([rate.rate for rate in rates])
    # where all succeed, rounding may put the end of the interval below the rate
    below, above = (np.maximum(0.0, gap) for gap in (heights - ends[:, 0], ends[:, 1] - heights))
    ax.errorbar(
        times[:, 0],
        heights,
        yerr=(below, above),
        xerr=(np.zeros(len(times)), np.maximum(0.0, times[:, 1] - times[:, 0])),
        fmt="o",
        ms=4.5,
        lw=0.7,
        color=colour,
        label=label,
    )


def _times_ms(result: RowResult) -> tuple[float, float]:
    """Return median and 99th percentile of a row that was timed."""
    timing = result.timing
    assert timing is not None, "only rows that were timed are shown"
    return timing["p50_ms"], timing["p99_ms"]


def _records(result: RowResult) -> list[SpeculationRecord]:
    return [e.speculation for e in result.episodes if e.speculation is not None]


def _halves(found: Sequence[RowResult]) -> tuple[list[RowResult], list[RowResult]]:
    """Return the rows that differ in draft lengths alone, and those with a drafter or rule."""
    special = [
        any(s.startswith(("drafter=", "accept=")) for s in result.row.settings) for result in found
    ]
    pairs = list(zip(found, special, strict=True))
    return [r for r, is_special in pairs if not is_special], [r for r, yes in pairs if yes]


def _coloured(found: Sequence[RowResult]) -> list[tuple[RowResult, Colour]]:
    shades = colormaps["turbo"](np.linspace(0.08, 0.92, len(found)))
    return [(result, tuple(shade.tolist())) for result, shade in zip(found, shades, strict=True)]


def _legend(ax: Axes) -> None:
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="best", frameon=False, fontsize=8)
