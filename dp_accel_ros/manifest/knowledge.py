# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The optional section `knowledge` of a manifest: trajectories of the solver, for ReDi."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from dp_accel_ros.manifest.parts import FileName, Finite, Part


class Knowledge(Part):
    """Where the solver went from a few noises under known conditions."""

    solver: Literal["ddim", "dpmpp_2m", "heun"]
    num_inference_steps: int = Field(ge=2)
    steps: list[int] = Field(min_length=2)
    """After how many steps a state was kept, rising."""

    key_step: int
    value_step: int
    residuals: list[Annotated[Finite, Field(ge=0)]]
    """For each of `steps` as the key step, the largest residual of held-out conditions."""

    seen: list[str] = Field(min_length=1)
    """Groups of features that the solver saw; the others had their mean."""

    network: str
    """The sha256 of the network whose trajectories these are."""

    noise: FileName
    """Where trajectories start, (M, Tp, Da)."""

    conditions: FileName
    """Under what they were made, flattened, (S, To * feature_dim)."""

    states: FileName
    """What was kept of them, (M, S, number of `steps`, Tp, Da)."""

    @model_validator(mode="after")
    def _steps_fit(self) -> Knowledge:
        rising = sorted(set(self.steps)) == self.steps
        if not rising or self.steps[0] < 1 or self.steps[-1] >= self.num_inference_steps:
            rule = f"rise within 1 to {self.num_inference_steps - 1}"
            raise ValueError(f"`steps` must {rule}, got {self.steps}")
        if len(self.residuals) != len(self.steps):
            sizes = f"{len(self.residuals)} for {len(self.steps)} steps"
            raise ValueError(f"expected one of `residuals` for each of `steps`, got {sizes}")
        known = {self.key_step, self.value_step} <= set(self.steps)
        if not known or self.key_step >= self.value_step:
            got = f"{self.key_step} and {self.value_step}"
            raise ValueError(f"`key_step` and `value_step` must be of `steps` and rise, got {got}")
        return self

    @property
    def files(self) -> set[str]:
        """The files of which it consists."""
        return {self.noise, self.conditions, self.states}
