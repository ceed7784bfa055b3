# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The sections of a manifest, all of them in one class."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from dp_accel_ros.manifest.calibration import Calibration
from dp_accel_ros.manifest.encoders import Encoder, Estimator
from dp_accel_ros.manifest.knowledge import Knowledge
from dp_accel_ros.manifest.parts import (
    Camera,
    Denoiser,
    FileName,
    Finite,
    Joint,
    KarrasDenoiser,
    Normalization,
    Part,
    Schedule,
)
from dp_accel_ros.manifest.scheduler import Scheduler

OPTIONAL_PARTS = (
    "estimator",
    "edm",
    "consistency",
    "retrieval",
    "calibration",
    "knowledge",
    "scheduler",
    "drafter",
)
"""Keys of the sections that a bundle may lack."""


class Retrieval(Part):
    """The expert actions and one key per frame for each encoder."""

    actions: FileName
    episode_ends: FileName
    keys: FileName
    """Condition of the frame's observation window, flattened, (N, To * feature_dim)."""

    key_scale: list[Annotated[float, Field(gt=0, allow_inf_nan=False)]] | None = None
    """What each of the encoder's features is multiplied by before keys are compared."""

    alt_keys: FileName
    """Unit-norm embedding of the frame, (N, feature_dim of the ALT encoder)."""

    alt_threshold: Finite = Field(ge=-1, le=1)
    """Cosine similarity below which an observation counts as out of distribution (gamma)."""

    @property
    def files(self) -> set[str]:
        """The files of which it consists."""
        return {self.actions, self.episode_ends, self.keys, self.alt_keys}


class Sections(Part):
    """The keys of a manifest, and what follows from them."""

    format_version: Literal[1]
    task: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    joints: list[Joint] = Field(min_length=1)
    cameras: list[Camera] = Field(default_factory=list)
    state: list[Annotated[str, Field(min_length=1)]] = Field(default_factory=list)
    """What else is measured, for example where an object is; one name a number."""

    horizon: int = Field(ge=1)
    n_obs_steps: int = Field(ge=1)
    n_action_steps: int = Field(ge=1)
    dt: Finite = Field(gt=0)
    """Time between control steps, in s."""

    schedule: Schedule
    normalization: Normalization
    encoder: Encoder
    alt_encoder: Encoder
    denoiser: Denoiser
    estimator: Estimator | None = None
    """What sees the `state` in images, for a policy that takes it."""

    edm: KarrasDenoiser | None = None
    """An EDM teacher, for `heun`."""

    consistency: KarrasDenoiser | None = None
    """A student that jumps to the lowest level, for `consistency`."""

    retrieval: Retrieval | None = None
    calibration: Calibration | None = None
    knowledge: Knowledge | None = None
    scheduler: Scheduler | None = None
    drafter: Denoiser | None = None
    """A small denoiser of the same schedule, distilled from the other to draft for it."""

    files: dict[FileName, str]
    """File name to sha256 in hexadecimal."""

    provenance: dict[str, Any] = Field(default_factory=dict)
    """How the bundle was made and what was measured then; for people."""

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Names of the joints in the order of every joint and action array."""
        return tuple(joint.name for joint in self.joints)

    @property
    def camera_names(self) -> tuple[str, ...]:
        """Names of the cameras."""
        return tuple(camera.name for camera in self.cameras)

    @property
    def max_action_steps(self) -> int:
        """Actions of a chunk that are due at or after the observation."""
        return self.horizon - self.n_obs_steps + 1

    @property
    def feature_groups(self) -> dict[str, int]:
        """Names and sizes of the groups of the policy encoder's features, in their order.

        Where the manifest does not say, the joints come last and all else is the `state`.
        """
        rest = self.encoder.feature_dim - len(self.joints)
        if self.encoder.groups is not None:
            return dict(self.encoder.groups)
        if rest <= 0:
            return {"state": self.encoder.feature_dim}
        return {"state": rest, "joints": len(self.joints)}

    @property
    def optional_parts(self) -> tuple[str, ...]:
        """Keys of the optional sections that are there."""
        return tuple(name for name in OPTIONAL_PARTS if getattr(self, name) is not None)

    @property
    def key_dim(self) -> int:
        """Length of a retrieval key: all features of an observation window."""
        return self.n_obs_steps * self.encoder.feature_dim

    @property
    def named_files(self) -> set[str]:
        """Every file that some part of the manifest names."""
        networks = {self.encoder.file, self.alt_encoder.file, *self.denoiser.files}
        return networks.union(*(getattr(self, name).files for name in self.optional_parts))
