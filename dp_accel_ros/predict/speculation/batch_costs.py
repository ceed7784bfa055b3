# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What one call of the target costs on a device, by the number of states in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.stages import Clock

ROWS = (1, 2, 4, 8, 16, 32)


@dataclass(frozen=True, slots=True)
class BatchCosts:
    """Costs in any unit, one for each batch size; linear between them."""

    rows: tuple[int, ...]
    """Batch sizes, rising from 1."""

    costs: tuple[float, ...]

    def __post_init__(self) -> None:
        rises = bool(self.rows) and self.rows[0] == 1 and bool((np.diff(self.rows) > 0).all())
        fits = len(self.rows) == len(self.costs) and min(self.costs, default=0.0) > 0
        if not (rises and fits):
            got = f"{self.rows} and {self.costs}"
            raise ConfigError(f"expected batch sizes rising from 1 and positive costs, got {got}")

    @classmethod
    def linear(cls, row_cost: float) -> BatchCosts:
        """Return the costs of a device on which another state costs `row_cost` calls of one."""
        return cls((1, 2), (1.0, 1.0 + row_cost))

    def of(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the cost of calls with these many states; the last slope goes on past the end."""
        inside = np.interp(rows, self.rows, self.costs)
        if len(self.rows) == 1:
            return inside
        slope = (self.costs[-1] - self.costs[-2]) / (self.rows[-1] - self.rows[-2])
        return inside + max(slope, 0.0) * np.maximum(rows - self.rows[-1], 0)


def measured_costs(
    call: Callable[[int], object], clock: Clock, rows: Sequence[int] = ROWS, repeats: int = 5
) -> BatchCosts:
    """Return the least seconds of `call(n)` for each number of states n, after one to warm up.

    Not the median: whatever else the machine does meanwhile only adds. Sizes take turns, so that a
    burst of it does not hit all calls of one, and no batch costs more than a larger one did.
    """
    for n in rows:
        call(n)
    turns = [[_seconds(call, clock, n) for n in rows] for _ in range(repeats)]
    least = np.min(turns, axis=0)
    costs = np.minimum.accumulate(least[::-1])[::-1]
    return BatchCosts(tuple(rows), tuple(costs.tolist()))


def _seconds(call: Callable[[int], object], clock: Clock, n: int) -> float:
    began = clock()
    call(n)
    return clock() - began
