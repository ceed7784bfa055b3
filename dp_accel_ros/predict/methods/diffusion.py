# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Plain diffusion: from noise to a chunk with one of the samplers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros import config
from dp_accel_ros.chunk import Cost
from dp_accel_ros.config import param
from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.methods.base import EncoderName, Previous, Proposal
from dp_accel_ros.predict.samplers import Sampler
from dp_accel_ros.predict.sampling import sampled
from dp_accel_ros.predict.stages import StageTimes

STEPS_HELP = "Diffusion steps per chunk; at most what the policy was trained with."


@dataclass(frozen=True, slots=True, kw_only=True)
class DdpmConfig:
    """Parameters of the base sampler."""

    num_inference_steps: int = param(100, STEPS_HELP, minimum=1, maximum=1000, live=True)

    def __post_init__(self) -> None:
        config.check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class DdimConfig:
    """Parameters of DDIM."""

    num_inference_steps: int = param(16, STEPS_HELP, minimum=1, maximum=1000, live=True)

    def __post_init__(self) -> None:
        config.check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class DpmPp2MConfig:
    """Parameters of DPM-Solver++(2M)."""

    num_inference_steps: int = param(10, STEPS_HELP, minimum=1, maximum=1000, live=True)

    def __post_init__(self) -> None:
        config.check(self)


INITIAL_NOISE_HELP = (
    "Noise that sampling starts from. `sigma_max` has the standard deviation that the network was "
    "trained with there; `unit` is 1 instead, as Consistency Policy's code has it, and so gives "
    "nearly the same chunk each time."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeunConfig:
    """Parameters of Heun's sampler on the EDM teacher."""

    num_inference_steps: int = param(
        79,
        "Steps per chunk, each of two network evaluations; at most the noise levels - 1.",
        minimum=1,
        maximum=1000,
        live=True,
    )
    end: str = param(
        "clean",
        "Where the last step ends. `clean` needs one network evaluation less; `sigma_min` leaves "
        "the noise of the lowest level in the chunk, as Consistency Policy's code does.",
        one_of=("clean", "sigma_min"),
        live=True,
    )
    initial_noise: str = param(
        "sigma_max", INITIAL_NOISE_HELP, one_of=("sigma_max", "unit"), live=True
    )

    def __post_init__(self) -> None:
        config.check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyConfig:
    """Parameters of the consistency student."""

    num_inference_steps: int = param(
        1,
        "Network evaluations per chunk: 1 is a single jump, 3 passes the published bins 27 and 54.",
        minimum=1,
        maximum=1000,
        live=True,
    )
    initial_noise: str = param(
        "sigma_max", INITIAL_NOISE_HELP, one_of=("sigma_max", "unit"), live=True
    )

    def __post_init__(self) -> None:
        config.check(self)


@dataclass(frozen=True, slots=True)
class Diffusion:
    """A sampler that starts from pure noise."""

    name: str
    denoiser: Denoiser
    sampler: Sampler
    chunk_shape: tuple[int, int]
    """(Tp, Da)."""

    initial_sigma: float = 1.0
    """Standard deviation of the noise that sampling starts from."""

    @property
    def encoder(self) -> EncoderName:
        """The condition holds the policy encoder's features, (B, To, C)."""
        return "policy"

    @property
    def exactness(self) -> str:
        """In words: how the law of a chunk relates to that of the base sampler."""
        n_steps, n_levels = len(self.sampler.levels), len(self.denoiser.schedule)
        if self.name == "ddpm" and n_steps == n_levels:
            return "the base sampler"
        return f"approximate: {self.name}, {n_steps} of {n_levels} steps"

    def act(
        self,
        condition: NDArray[np.float32],
        rng: np.random.Generator,
        previous: Sequence[Previous | None],
        times: StageTimes,
    ) -> Proposal:
        """Return one chunk for each row of the condition (B, To, C)."""
        del previous  # every chunk is drawn afresh
        with times.stage("sample"):
            noise = rng.standard_normal((len(condition), *self.chunk_shape), dtype=np.float32)
            start = noise * np.float32(self.initial_sigma)
            actions = sampled(self.denoiser, self.sampler, condition, start, rng)
        cost = Cost(self.name, nfe=self.sampler.nfe, exactness=self.exactness)
        return Proposal(actions, (cost,) * len(condition))
