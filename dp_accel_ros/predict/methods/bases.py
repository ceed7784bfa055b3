# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The ways of a policy from noise to a chunk: each sampler with the network it is made for."""

from __future__ import annotations

from dp_accel_ros.errors import MissingPartError
from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.methods.diffusion import (
    ConsistencyConfig,
    DdimConfig,
    DdpmConfig,
    Diffusion,
    DpmPp2MConfig,
    HeunConfig,
)
from dp_accel_ros.predict.methods.ragdp import USUAL_STEPS
from dp_accel_ros.predict.policy import Policy
from dp_accel_ros.predict.samplers import SAMPLERS, Heun, Sampler
from dp_accel_ros.predict.schedule import CLEAN

SHORT_STEPS = 20
"""Steps of a solver that begins from a retrieved chunk: a coarse grid is enough near the end."""

PARTS = {"heun": "edm", "consistency": "consistency"}
"""Sampler to the optional part of a bundle that holds its network."""

BaseConfig = DdpmConfig | DdimConfig | DpmPp2MConfig | HeunConfig | ConsistencyConfig


def base_from(name: str, policy: Policy, config: BaseConfig) -> Diffusion:
    """Return the base of a policy that a config describes.

    Raises:
        MissingPartError: The bundle has no network for it.
        ConfigError: More steps are asked for than there are levels.
    """
    denoiser = _denoiser(name, policy)
    sampler: Sampler
    if isinstance(config, HeunConfig):
        end = CLEAN if config.end == "clean" else 0
        sampler = Heun.spaced(denoiser.schedule, config.num_inference_steps, end)
    else:
        sampler = SAMPLERS[name].spaced(denoiser.schedule, config.num_inference_steps)
    shape = (policy.manifest.horizon, len(policy.manifest.joints))
    sigma = 1.0  # the noisiest level of a variance preserving schedule
    if isinstance(config, HeunConfig | ConsistencyConfig) and config.initial_noise != "unit":
        sigma = float(denoiser.schedule.sigmas[-1])
    return Diffusion(name, denoiser, sampler, shape, sigma)


def solver_of(policy: Policy, name: str, num_inference_steps: int) -> Diffusion:
    """Return the base that another method builds on; `USUAL_STEPS` are as many as serve it.

    Raises:
        MissingPartError: The bundle has no network for it.
        ConfigError: More steps are asked for than there are levels.
    """
    n_steps = num_inference_steps
    if n_steps == USUAL_STEPS:
        n_levels = len(_denoiser(name, policy).schedule)
        usual = {"heun": n_levels - 1, "consistency": 1}
        n_steps = usual.get(name, min(SHORT_STEPS, n_levels))
    return base_from(name, policy, BASE_CONFIGS[name](num_inference_steps=n_steps))


BASE_CONFIGS: dict[str, type[BaseConfig]] = {
    "ddpm": DdpmConfig,
    "ddim": DdimConfig,
    "dpmpp_2m": DpmPp2MConfig,
    "heun": HeunConfig,
    "consistency": ConsistencyConfig,
}
"""Sampler to the parameters of the base that uses it."""


def _denoiser(name: str, policy: Policy) -> Denoiser:
    if name not in PARTS:
        return policy.denoiser
    found = {"edm": policy.edm, "consistency": policy.consistency}[PARTS[name]]
    if found is None:
        needed = {"edm": "an EDM teacher (`edm`)", "consistency": "a student (`consistency`)"}
        present = policy.manifest.optional_parts
        raise MissingPartError(name, needed[PARTS[name]], present)
    return found
