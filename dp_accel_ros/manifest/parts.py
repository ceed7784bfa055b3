# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The parts of a manifest that describe the robot, its numbers and its denoisers."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


def _plain_file_name(name: str) -> str:
    if not name or PurePosixPath(name).name != name:
        raise ValueError(f"must be a plain file name inside the bundle, got {name!r}")
    return name


FileName = Annotated[str, AfterValidator(_plain_file_name)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Part(BaseModel):
    """A section of the manifest; it refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Joint(Part):
    """One joint, in the order of every joint and action array."""

    name: str = Field(min_length=1)
    unit: Literal["rad", "m"]
    lower: Finite
    upper: Finite
    max_velocity: Finite = Field(gt=0)
    """In the unit of the joint per second."""

    @model_validator(mode="after")
    def _ordered(self) -> Joint:
        if not self.lower < self.upper:
            raise ValueError(f"`lower` must be below `upper`, got {self.lower} and {self.upper}")
        return self


class Camera(Part):
    """One camera and the RGB frame that the encoder takes: the image, resized by area averaging."""

    name: str = Field(min_length=1)
    width: int = Field(gt=0)
    height: int = Field(gt=0)


class Schedule(Part):
    """Noise schedule facts, spelled as diffusers spells them."""

    num_train_timesteps: int = Field(ge=2)
    beta_schedule: Literal["squaredcos_cap_v2"]
    prediction_type: Literal["epsilon", "sample", "v_prediction"]
    clip_sample: bool


class KarrasSchedule(Part):
    """Noise levels of EDM and how its networks are scaled; `schedule.karras` makes them."""

    sigma_min: Finite = Field(gt=0)
    sigma_max: Finite = Field(gt=0)
    rho: Finite = Field(gt=0)
    bins: int = Field(ge=2)
    time_scale: Finite = Field(gt=0)
    """The network is told `time_scale` * ln(sigma) / 4."""

    sigma_data: Finite = Field(gt=0)
    """Standard deviation of the numbers of a clean chunk."""

    clip_sample: bool

    @model_validator(mode="after")
    def _ordered(self) -> KarrasSchedule:
        if not self.sigma_min < self.sigma_max:
            got = f"{self.sigma_min} and {self.sigma_max}"
            raise ValueError(f"`sigma_min` must be below `sigma_max`, got {got}")
        return self


class Denoiser(Part):
    """A network from a noisy chunk, its network time and a condition to a prediction.

    With a `conditioner`, it takes what that gives for the time and the condition instead of them.
    """

    file: FileName
    feature_dim: int = Field(gt=0)
    """Features per observation step that it is conditioned on."""

    int8_file: FileName | None = None
    """The same network with its products in 8-bit integers."""

    conditioner: FileName | None = None
    """A network from time and condition to one token for each, (B, 1 + To, memory_dim)."""

    memory_dim: int | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _conditioner_has_a_size(self) -> Denoiser:
        if (self.conditioner is None) != (self.memory_dim is None):
            got = f"{self.conditioner!r} and {self.memory_dim!r}"
            raise ValueError(f"`conditioner` and `memory_dim` go together, got {got}")
        return self

    @property
    def files(self) -> set[str]:
        """The files of which it consists."""
        return {name for name in (self.file, self.int8_file, self.conditioner) if name}


class KarrasDenoiser(Denoiser):
    """A denoiser for noise that is added to the chunk, with its levels."""

    schedule: KarrasSchedule


class Bounds(Part):
    """Smallest and largest value per dimension; they are mapped to -1 and 1."""

    minimum: list[Finite]
    maximum: list[Finite]

    @model_validator(mode="after")
    def _ordered(self) -> Bounds:
        if len(self.minimum) != len(self.maximum):
            sizes = f"{len(self.minimum)} and {len(self.maximum)}"
            raise ValueError(f"`minimum` and `maximum` must have one length, got {sizes}")
        for index, (low, high) in enumerate(zip(self.minimum, self.maximum, strict=True)):
            if not low <= high:
                raise ValueError(f"`minimum` exceeds `maximum` at {index}: {low} and {high}")
        return self


class Normalization(Part):
    """Statistics of the demonstrations, in raw units."""

    joints: Bounds
    actions: Bounds
