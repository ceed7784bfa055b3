# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What all plots look like."""

from __future__ import annotations

import textwrap
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def figure_of(
    title: str, rows: int, size: tuple[float, float], columns: int = 1
) -> tuple[Figure, list[Axes]]:
    """Return a figure, its size in inches, and its axes row by row."""
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False)
    axes = list(grid.ravel())
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.25, lw=0.5)
    lines = textwrap.fill(title, width=round(10 * size[0]))
    figure.suptitle(lines, x=0.01, ha="left", fontsize=12, fontweight="bold")
    return figure, axes


def written(figure: Figure, path: Path) -> Path:
    """Write a figure, making its folder, and return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    return path
