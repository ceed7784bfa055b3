# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The benchmark's three plots: what a method gives for its time, and how its drafts fare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from numpy.typing import NDArray

from dp_accel_ros.evaluate.bench.results import Results, RowResult
from dp_accel_ros.evaluate.figure import figure_of, written
from dp_accel_ros.evaluate.speculation_record import SpeculationRecord

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

Numbers = NDArray[np.float64]


def plot_all(folder: Path, found: Results, task: str) -> list[Path]:
    """Write every plot for which there is something to show, and return the paths."""
    drafting = [result for result in found.measured if _records(result)]
    made = [plot_success(folder / "success_latency.png", found.measured, task)]
    if drafting:
        made.append(plot_acceptance(folder / "acceptance.png", drafting, task))
        made.append(plot_lengths(folder / "draft_length.png", drafting, task))
    return [path for path in made if path is not None]


def plot_success(path: Path, found: Sequence[RowResult], task: str) -> Path | None:
    """Write success against latency, with 95 % intervals; None where no row has both."""
    both = [result for result in found if result.episodes and result.timing is not None]
    if not both:
        return None
    figure, (ax,) = figure_of(f"{task}: success against the time of a chunk", 1, (11.0, 7.0))
    shown: set[str] = set()
    for result in both:
        _mark(ax, result, first=result.row.family not in shown)
        shown.add(result.row.family)
    ax.set(
        xscale="log",
        xlabel="chunk latency [ms]: median, and a line to the 99th percentile",
        ylabel="success, 95 % interval",
        ylim=(-0.03, 1.03),
    )
    ax.legend(loc="lower right", frameon=False, fontsize=9)
    return written(figure, path)


def plot_acceptance(path: Path, found: Sequence[RowResult], task: str) -> Path:
    """Write the share of accepted drafts at every diffusion step (TS-DP, fig. 3)."""
    figure, axes = figure_of(f"{task}: accepted drafts by diffusion step", 1, (13.0, 5.5), 2)
    for ax, group, name in zip(
        axes, _halves(found), ("draft lengths", "drafters, rules"), strict=True
    ):
        for result, colour in _coloured(group):
            share = acceptance_by_step(_records(result))
            ax.plot(np.arange(len(share)), share, color=colour, lw=1.4, label=result.row.label)
        ax.set(xlabel=f"diffusion step, 0 is pure noise ({name})", ylim=(0, 1.02))
        _legend(ax)
    axes[0].set_ylabel("accepted share of the tested drafts")
    return written(figure, path)


def plot_lengths(path: Path, found: Sequence[RowResult], task: str) -> Path:
    """Write drafts and accepted drafts of a round against the speed of the arm (TS-DP, fig. 4)."""
    figure, axes = figure_of(f"{task}: drafts by the speed of the end effector", 1, (13.0, 5.5), 2)
    kinds: tuple[tuple[str, Callable[[SpeculationRecord], Sequence[int]]], ...] = (
        ("drafts in a round (K)", lambda record: record.drafts),
        ("accepted drafts in a round", lambda record: record.accepted),
    )
    for ax, (name, count) in zip(axes, kinds, strict=True):
        for result, colour in _coloured(_halves(found)[0]):
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


def _mark(ax: Axes, result: RowResult, *, first: bool) -> None:
    timing, rate = result.timing, result.success
    assert timing is not None, "only rows that were timed are shown"
    (low, high), colour = rate.interval(), FAMILIES.get(result.row.family, OTHER)
    errors = [[rate.rate - low], [high - rate.rate]]
    label = result.row.family if first else None
    ax.errorbar(
        timing["p50_ms"], rate.rate, yerr=errors, fmt="o", ms=5, lw=0.8, color=colour, label=label
    )
    ax.plot([timing["p50_ms"], timing["p99_ms"]], [rate.rate] * 2, color=colour, lw=0.8, alpha=0.5)
    ax.annotate(
        result.row.label,
        (timing["p50_ms"], rate.rate),
        xytext=(3, -4),
        textcoords="offset points",
        fontsize=6,
        rotation=-40,
        color=colour,
        va="top",
    )


def _records(result: RowResult) -> list[SpeculationRecord]:
    return [e.speculation for e in result.episodes if e.speculation is not None]


def _halves(found: Sequence[RowResult]) -> tuple[list[RowResult], list[RowResult]]:
    """Return the rows that differ in draft lengths alone, and those with a drafter or rule."""
    special = [
        any(s.startswith(("drafter=", "accept=")) for s in result.row.settings) for result in found
    ]
    pairs = list(zip(found, special, strict=True))
    return [r for r, is_special in pairs if not is_special], [r for r, yes in pairs if yes]


def _coloured(found: Sequence[RowResult]) -> list[tuple[RowResult, tuple[float, ...]]]:
    shades = colormaps["turbo"](np.linspace(0.08, 0.92, len(found)))
    return [(result, tuple(shade)) for result, shade in zip(found, shades, strict=True)]


def _legend(ax: Axes) -> None:
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="best", frameon=False, fontsize=8)
