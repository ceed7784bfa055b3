# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The denoiser: whatever the network predicts, its users see the clean estimate `denoised`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import UnknownNameError
from dp_accel_ros.predict.networks.base import Network
from dp_accel_ros.predict.preconditioning import Preconditioning
from dp_accel_ros.predict.schedule import Floats, NoiseSchedule

Level = int | NDArray[np.integer]
"""One noise level for all rows, or one for each row, (B,)."""

Denoise = Callable[[Floats, Level], Floats]
"""From chunks (B, T, Da) at noise levels to their clean estimate (B, T, Da)."""


class Conversion(NamedTuple):
    """Factors per level, (L,) each: denoised = of_x * x + of_prediction * network(of_input * x)."""

    of_x: NDArray[np.float64]
    of_prediction: NDArray[np.float64]
    of_input: NDArray[np.float64] | None = None
    """None where the network sees x as it is."""


def _from_epsilon(schedule: NoiseSchedule, sigma_data: float) -> Conversion:
    del sigma_data
    return Conversion(1 / schedule.alphas, -schedule.sigmas / schedule.alphas)


def _from_sample(schedule: NoiseSchedule, sigma_data: float) -> Conversion:
    del sigma_data
    return Conversion(np.zeros(len(schedule)), np.ones(len(schedule)))


def _from_velocity(schedule: NoiseSchedule, sigma_data: float) -> Conversion:
    del sigma_data
    # v = alpha eps - sigma x0 (Salimans & Ho 2022), so alpha x - sigma v = (alpha² + sigma²) x0.
    power = schedule.alphas**2 + schedule.sigmas**2
    return Conversion(schedule.alphas / power, -schedule.sigmas / power)


def _from_edm(schedule: NoiseSchedule, sigma_data: float) -> Conversion:
    scaling, sigmas = Preconditioning(sigma_data), schedule.sigmas
    return Conversion(
        scaling.of_x(sigmas), scaling.of_prediction(sigmas), scaling.of_input(sigmas)
    )


def _from_consistency(schedule: NoiseSchedule, sigma_data: float) -> Conversion:
    """A student's jump to the lowest level: G = (s / t) x + (1 - s / t) g, s = sigmas[0]."""
    sigmas = schedule.sigmas
    scaling, kept = Preconditioning(sigma_data, boundary=float(sigmas[0])), sigmas[0] / sigmas
    return Conversion(
        kept + (1 - kept) * scaling.of_x(sigmas),
        (1 - kept) * scaling.of_prediction(sigmas),
        scaling.of_input(sigmas),
    )


CONVERSIONS = {
    "epsilon": _from_epsilon,
    "sample": _from_sample,
    "v_prediction": _from_velocity,
    "edm": _from_edm,
    "consistency": _from_consistency,
}
"""Prediction type to how the clean estimate follows from the prediction."""


@dataclass(frozen=True, slots=True)
class Denoiser:
    """A network with the schedule it was trained on; safe to share between threads."""

    network: Network
    schedule: NoiseSchedule
    prediction_type: str = "epsilon"
    clip: bool = True
    """Whether clean estimates are limited to [-1, 1], as `clip_sample` does."""

    sigma_data: float = 0.5
    """Standard deviation of clean numbers that `edm` and `consistency` were trained with."""

    _of_x: NDArray[np.float32] = field(init=False, repr=False, compare=False)
    _of_prediction: NDArray[np.float32] = field(init=False, repr=False, compare=False)
    _of_input: NDArray[np.float32] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.prediction_type not in CONVERSIONS:
            raise UnknownNameError("prediction type", self.prediction_type, CONVERSIONS)
        factors = CONVERSIONS[self.prediction_type](self.schedule, self.sigma_data)
        for name, values in factors._asdict().items():
            # Columns (L, 1, 1): a level, or one for each row, picks what fits to (B, T, Da).
            # In float64 they would turn every chunk into float64.
            column = None if values is None else values.astype(np.float32)[:, None, None]
            object.__setattr__(self, f"_{name}", column)

    def factors(self, level: int) -> tuple[float, float, float]:
        """Return the factors on x, on the prediction and on what the network sees of x."""
        of_input = 1.0 if self._of_input is None else self._of_input[level].item()
        return self._of_x[level].item(), self._of_prediction[level].item(), of_input

    def given(self, condition: Floats) -> Denoise:
        """Return x, level -> denoised under a condition (B, To, C).

        With one condition row and several chunks, the row serves all of them.
        """

        def denoise(x: Floats, level: Level) -> Floats:
            times = self.schedule.network_times[level]  # () or (B,)
            if isinstance(level, int):
                # Networks take a time a row, so that states at different levels share a call.
                times = np.full(len(x), times)
            rows = condition
            if len(condition) == 1 < len(x):
                rows = np.broadcast_to(condition, (len(x), *condition.shape[1:]))
            scaled = x if self._of_input is None else self._of_input[level] * x
            prediction = self.network(scaled, times, rows)
            denoised = self._of_x[level] * x + self._of_prediction[level] * prediction
            # Two plain ufuncs: `clip` spends longer on its arguments than on the numbers.
            return np.minimum(np.maximum(denoised, -1.0), 1.0) if self.clip else denoised

        return denoise
