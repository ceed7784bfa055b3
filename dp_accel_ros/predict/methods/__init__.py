# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Methods: ways to get from a condition to an action chunk."""

from __future__ import annotations

from dp_accel_ros.predict.methods.alt import Alt, AltConfig
from dp_accel_ros.predict.methods.base import Method, Previous, Proposal
from dp_accel_ros.predict.methods.diffusion import (
    ConsistencyConfig,
    DdimConfig,
    DdpmConfig,
    Diffusion,
    DpmPp2MConfig,
    HeunConfig,
)
from dp_accel_ros.predict.methods.ragdp import Ragdp, RagdpConfig
from dp_accel_ros.predict.methods.redi import Redi, RediConfig
from dp_accel_ros.predict.methods.tsdp import Tsdp, TsdpConfig

MethodConfig = (
    DdpmConfig
    | DdimConfig
    | DpmPp2MConfig
    | HeunConfig
    | ConsistencyConfig
    | RagdpConfig
    | AltConfig
    | RediConfig
    | TsdpConfig
)

METHODS: dict[str, type[Diffusion] | type[Ragdp] | type[Alt] | type[Redi] | type[Tsdp]] = {
    "ddpm": Diffusion,
    "ddim": Diffusion,
    "dpmpp_2m": Diffusion,
    "heun": Diffusion,
    "consistency": Diffusion,
    "ragdp": Ragdp,
    "alt": Alt,
    "redi": Redi,
    "tsdp": Tsdp,
}

METHOD_CONFIGS: dict[str, type[MethodConfig]] = {
    "ddpm": DdpmConfig,
    "ddim": DdimConfig,
    "dpmpp_2m": DpmPp2MConfig,
    "heun": HeunConfig,
    "consistency": ConsistencyConfig,
    "ragdp": RagdpConfig,
    "alt": AltConfig,
    "redi": RediConfig,
    "tsdp": TsdpConfig,
}
"""Method name to the parameters that it takes, all live."""

__all__ = [
    "METHODS",
    "METHOD_CONFIGS",
    "Alt",
    "AltConfig",
    "ConsistencyConfig",
    "DdimConfig",
    "DdpmConfig",
    "Diffusion",
    "DpmPp2MConfig",
    "HeunConfig",
    "Method",
    "MethodConfig",
    "Previous",
    "Proposal",
    "Ragdp",
    "RagdpConfig",
    "Redi",
    "RediConfig",
    "Tsdp",
    "TsdpConfig",
]
