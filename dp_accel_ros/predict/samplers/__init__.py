# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Samplers: from noise at a level to a clean action chunk."""

from __future__ import annotations

from dp_accel_ros.predict.samplers.base import Sampler
from dp_accel_ros.predict.samplers.consistency import Consistency
from dp_accel_ros.predict.samplers.ddim import Ddim
from dp_accel_ros.predict.samplers.ddpm import Ddpm
from dp_accel_ros.predict.samplers.dpmpp_2m import DpmPp2M
from dp_accel_ros.predict.samplers.heun import Heun

SAMPLERS: dict[str, type[Ddpm] | type[Ddim] | type[DpmPp2M] | type[Heun] | type[Consistency]] = {
    "ddpm": Ddpm,
    "ddim": Ddim,
    "dpmpp_2m": DpmPp2M,
    "heun": Heun,
    "consistency": Consistency,
}

__all__ = ["SAMPLERS", "Consistency", "Ddim", "Ddpm", "DpmPp2M", "Heun", "Sampler"]
