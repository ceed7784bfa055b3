# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The parts of a manifest that describe what the policy sees, and how."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dp_accel_ros.manifest.parts import Camera, FileName, Part

PIXELS, STATE = "pixels", "state"
OBSERVED = (PIXELS, STATE)
"""What a policy can take beside the joints."""

AUTO = "auto"
OBSERVE = (AUTO, *OBSERVED)
"""What one can ask for: one of these, or what the bundle was made for."""


class Encoder(Part):
    """A network from camera frames and normalised joints to a feature vector."""

    file: FileName
    feature_dim: int = Field(gt=0)
    groups: dict[str, Annotated[int, Field(gt=0)]] | None = None
    """Names of features that belong together, and how many they are, in the vector's order."""


class Estimator(Part):
    """A network from camera frames and normalised joints to the `state`, in raw units.

    With it, images can stand in for a state that a robot does not measure.
    """

    file: FileName
    cameras: list[Camera] = Field(min_length=1)
    feature_dim: int = Field(gt=0)
    """Numbers of the state."""

    measured: dict[str, float] = Field(default_factory=dict)
    """How far it is off on scenes that it did not learn from; for people."""

    @property
    def files(self) -> set[str]:
        """The files of which it consists."""
        return {self.file}
