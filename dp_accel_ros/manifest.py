# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The text of a bundle's `manifest.yaml`: what the policy expects, gives and was made from.

Every class refuses unknown keys and checks what it can see on its own; `bundle.py` checks the
manifest against the files.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from dp_accel_ros.errors import BundleError

FORMAT_VERSION = 1


def _plain_file_name(name: str) -> str:
    if not name or PurePosixPath(name).name != name:
        raise ValueError(f"must be a plain file name inside the bundle, got {name!r}")
    return name


FileName = Annotated[str, AfterValidator(_plain_file_name)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Joint(_Part):
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


class Camera(_Part):
    """One camera and the RGB frame that the encoder takes: the image, resized by area averaging."""

    name: str = Field(min_length=1)
    width: int = Field(gt=0)
    height: int = Field(gt=0)


class Schedule(_Part):
    """Noise schedule facts, spelled as diffusers spells them."""

    num_train_timesteps: int = Field(ge=2)
    beta_schedule: Literal["squaredcos_cap_v2"]
    prediction_type: Literal["epsilon", "sample", "v_prediction"]
    clip_sample: bool


class Bounds(_Part):
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


class Normalization(_Part):
    """Statistics of the demonstrations, in raw units."""

    joints: Bounds
    actions: Bounds


class Encoder(_Part):
    """A network from camera frames and normalised joints to a feature vector."""

    file: FileName
    feature_dim: int = Field(gt=0)


class Denoiser(_Part):
    """A network from a noisy chunk, its network time and a condition to a prediction."""

    file: FileName
    feature_dim: int = Field(gt=0)
    """Features per observation step that it is conditioned on."""


class Retrieval(_Part):
    """The expert actions and one key per frame for each encoder."""

    actions: FileName
    episode_ends: FileName
    keys: FileName
    """Condition of the frame's observation window, flattened, (N, To * feature_dim)."""

    alt_keys: FileName
    """Unit-norm embedding of the frame, (N, feature_dim of the ALT encoder)."""

    alt_threshold: Finite = Field(ge=-1, le=1)
    """Cosine similarity below which an observation counts as out of distribution (gamma)."""

    @property
    def files(self) -> set[str]:
        """The files of which it consists."""
        return {self.actions, self.episode_ends, self.keys, self.alt_keys}


class Manifest(_Part):
    """Everything that a robot must know of a bundle before it loads the networks."""

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
    retrieval: Retrieval | None = None
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
    def key_dim(self) -> int:
        """Length of a retrieval key: all features of an observation window."""
        return self.n_obs_steps * self.encoder.feature_dim

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Manifest:
        for complaint in self._complaints():
            raise ValueError(complaint)
        return self

    def _complaints(self) -> list[str]:
        n_joints, found = len(self.joints), []
        kinds = (
            ("joint", self.joint_names),
            ("camera", self.camera_names),
            ("state", tuple(self.state)),
        )
        for kind, names in kinds:
            found += [f"{kind} {n!r} is listed twice" for n in set(names) if names.count(n) > 1]
        if not self.cameras and not self.state:
            found.append("expected `cameras` or a `state`, got neither: the policy would see nothing")
        # these are the names of the encoder's other inputs
        taken = {"joints", "state"} & set(self.camera_names)
        found += [f"a camera cannot be named {name!r}" for name in taken]
        if self.horizon < self.n_obs_steps:
            found.append(f"`horizon` {self.horizon} is below `n_obs_steps` {self.n_obs_steps}")
        elif self.n_action_steps > self.max_action_steps:
            rule = f"{self.max_action_steps} (`horizon` - `n_obs_steps` + 1)"
            found.append(f"`n_action_steps` must be at most {rule}, got {self.n_action_steps}")
        for name in ("joints", "actions"):
            size = len(getattr(self.normalization, name).minimum)
            if size != n_joints:
                found.append(f"normalization.{name} has {size} numbers for {n_joints} joints")
        if self.denoiser.feature_dim != self.encoder.feature_dim:
            dims = f"{self.denoiser.feature_dim}, but the encoder gives {self.encoder.feature_dim}"
            found.append(f"the denoiser is conditioned on `feature_dim` {dims}")
        found += [
            f"file {n!r} has no sha256 in `files`" for n in self.named_files - set(self.files)
        ]
        unused = sorted(set(self.files) - self.named_files)
        return found + [
            f"file {name!r} is listed in `files` but nothing uses it" for name in unused
        ]

    @property
    def named_files(self) -> set[str]:
        """Every file that some part of the manifest names."""
        store = set() if self.retrieval is None else self.retrieval.files
        networks = {self.encoder.file, self.alt_encoder.file, self.denoiser.file}
        return networks | store


def manifest_from(document: object, source: str) -> Manifest:
    """Return the manifest in a parsed YAML document; `source` names it in errors.

    Raises:
        BundleError: The document is not a manifest; the message lists every wrong key.
    """
    if not isinstance(document, dict):
        raise BundleError(f"{source}: expected a mapping of keys, got {type(document).__name__}")
    version = document.get("format_version")
    if version != FORMAT_VERSION:
        raise BundleError(
            f"{source}: `format_version` must be {FORMAT_VERSION} for this release, got {version!r}"
        )
    try:
        return Manifest.model_validate(document)
    except ValidationError as error:
        lines = [
            f"{'.'.join(str(part) for part in item['loc']) or 'manifest'}: {item['msg']}"
            for item in error.errors()
        ]
        raise BundleError(f"{source}: " + "; ".join(lines)) from error
