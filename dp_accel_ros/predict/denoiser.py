# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The denoiser: whatever the network predicts, its users see the clean estimate `denoised`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import UnknownNameError
from dp_accel_ros.predict.networks.base import Network
from dp_accel_ros.predict.schedule import Floats, NoiseSchedule

Level = int | NDArray[np.integer]
"""One noise level for all rows, or one for each row, (B,)."""

Denoise = Callable[[Floats, Level], Floats]
"""From chunks (B, T, Da) at noise levels to their clean estimate (B, T, Da)."""


def _from_epsilon(schedule: NoiseSchedule) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return 1 / schedule.alphas, -schedule.sigmas / schedule.alphas


def _from_sample(schedule: NoiseSchedule) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.zeros(len(schedule)), np.ones(len(schedule))


def _from_velocity(schedule: NoiseSchedule) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    power = schedule.alphas**2 + schedule.sigmas**2
    return schedule.alphas / power, -schedule.sigmas / power


CONVERSIONS = {
    "epsilon": _from_epsilon,
    "sample": _from_sample,
    "v_prediction": _from_velocity,
}
"""Prediction type to the factors per level, (L,) each, in denoised = a * x + b * prediction."""


@dataclass(frozen=True, slots=True)
class Denoiser:
    """A network with the schedule it was trained on; safe to share between threads."""

    network: Network
    schedule: NoiseSchedule
    prediction_type: str = "epsilon"
    clip: bool = True
    """Whether clean estimates are limited to [-1, 1], as `clip_sample` does."""

    _of_x: NDArray[np.float32] = field(init=False, repr=False, compare=False)
    _of_prediction: NDArray[np.float32] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.prediction_type not in CONVERSIONS:
            raise UnknownNameError("prediction type", self.prediction_type, CONVERSIONS)
        of_x, of_prediction = CONVERSIONS[self.prediction_type](self.schedule)
        for name, values in (("_of_x", of_x), ("_of_prediction", of_prediction)):
            object.__setattr__(self, name, values.astype(np.float32)[:, None, None])

    def given(self, condition: Floats) -> Denoise:
        """Return x, level -> denoised under a condition (B, To, C).

        With one condition row and several chunks, the row serves all of them.
        """

        def denoise(x: Floats, level: Level) -> Floats:
            times = self.schedule.network_times[level]  # () or (B,)
            if isinstance(level, int):
                times = np.full(len(x), times)
            rows = condition
            if len(condition) == 1 < len(x):
                rows = np.broadcast_to(condition, (len(x), *condition.shape[1:]))
            prediction = self.network(x, times, rows)
            denoised = self._of_x[level] * x + self._of_prediction[level] * prediction
            # Two plain ufuncs: `clip` spends longer on its arguments than on the numbers.
            return np.minimum(np.maximum(denoised, -1.0), 1.0) if self.clip else denoised

        return denoise
