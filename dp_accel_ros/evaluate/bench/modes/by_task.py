# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What shows which way was taken, in the tasks that leave several open."""

from __future__ import annotations

from collections.abc import Mapping

from dp_accel_ros.evaluate.bench.modes.counts import ModeOf
from dp_accel_ros.sim.block_push import BLOCKS, ZONES, BlockPush


def first_delivery(state: Mapping[str, float]) -> str | None:
    """Return which block is in which zone as soon as one is, as `blue left`.

    Which block comes first, and where it goes, is settled from then on.
    """
    for block in BLOCKS:
        for zone in ZONES:
            apart = (abs(state[f"{block}_{axis}"] - state[f"{zone}_{axis}"]) for axis in "xy")
            if max(apart) <= BlockPush().tolerance_m:
                return f"{_word(block)} {_word(zone)}"
    return None


def _word(name: str) -> str:
    return name.partition("_")[0]


DELIVERIES = tuple(f"{_word(block)} {_word(zone)}" for block in BLOCKS for zone in ZONES)

TASK_MODES: dict[str, tuple[tuple[str, ...], ModeOf]] = {
    "block_push": (DELIVERIES, first_delivery)
}
"""Task to the names of its ways and what shows them; the others have one way."""
