# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Where a bundle is made: the files of every stage, and what is read back from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from dp_accel_ros.data.episodes import Episodes
from dp_accel_ros.data.perception_set import PerceptionSet
from dp_accel_ros.data.published import RECORDINGS
from dp_accel_ros.data.record import Exploration
from dp_accel_ros.errors import ConfigError, DataError, UnknownNameError
from dp_accel_ros.manifest.encoders import OBSERVED, STATE
from dp_accel_ros.observe.normalizer import Normalizer
from dp_accel_ros.predict.networks.torch_transformer import DenoisingTransformer
from dp_accel_ros.predict.retrieval.held_out import nearest_elsewhere
from dp_accel_ros.train.chunk_batches import DiffusionData
from dp_accel_ros.train.consistency import ConsistencyConfig, untrained
from dp_accel_ros.train.contrastive import ContrastiveConfig, ContrastiveData
from dp_accel_ros.train.diffusion import DiffusionConfig
from dp_accel_ros.train.drafter import DrafterConfig
from dp_accel_ros.train.edm import EdmConfig
from dp_accel_ros.train.fusion_encoder import FusionEncoder
from dp_accel_ros.train.keys import encoded
from dp_accel_ros.train.own_successes import OwnSuccesses, SuccessFile
from dp_accel_ros.train.perception import (
    PerceptionConfig,
    PerceptionData,
    PerceptionModel,
    standard,
)
from dp_accel_ros.train.policy_encoder import PolicyEncoder
from dp_accel_ros.train.run_folder import RunFolder
from dp_accel_ros.train.state_encoder import StateEncoder, StateKeys, kernel_length

TRAINED: tuple[str, ...] = ("perception", "contrastive", "diffusion")
OPTIONAL: tuple[str, ...] = ("drafter", "edm", "consistency")
"""Networks that a bundle may lack; it then does not offer the methods that need them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that decides what a bundle will be."""

    task: str
    observe: str = "pixels"
    """What the policy takes beside the joints: camera images, or the task's `state` itself."""

    estimator: bool = False
    """Whether a policy that takes the state also gets a network that tells it from images."""

    recordings: Path | None = None
    """Demonstrations that somebody recorded, for tasks without an expert."""

    n_demonstrations: int = 200
    n_stored: int | None = None
    """Demonstrations in the retrieval store, from the first; all if None."""

    own_successes: OwnSuccesses = field(default_factory=OwnSuccesses)
    """What is stored where the demonstrations are recordings of others."""

    first_seed: int = 0
    exploration: Exploration = field(default_factory=Exploration)
    perception_set: PerceptionSet = field(default_factory=PerceptionSet)
    perception: PerceptionConfig = field(default_factory=PerceptionConfig)
    contrastive: ContrastiveConfig = field(default_factory=ContrastiveConfig)
    diffusion: DiffusionConfig = field(default_factory=DiffusionConfig)
    drafter: DrafterConfig = field(default_factory=DrafterConfig)
    edm: EdmConfig = field(default_factory=EdmConfig)
    consistency: ConsistencyConfig = field(default_factory=ConsistencyConfig)

    def __post_init__(self) -> None:
        if self.observe not in OBSERVED:
            raise ConfigError(
                f"`observe` must be one of {', '.join(OBSERVED)}, got {self.observe!r}"
            )
        # A threshold for ALT is found from what one episode says of another.
        if self.n_stored is not None and self.n_stored < 2:
            raise ConfigError(f"`n_stored` must be at least 2, got {self.n_stored}")
        if self.recordings is not None and self.task not in RECORDINGS:
            raise UnknownNameError("task with a reader of recordings", self.task, RECORDINGS)

    @property
    def from_state(self) -> bool:
        """Whether the policy takes the state and no images."""
        return self.observe == STATE

    @property
    def estimates(self) -> bool:
        """Whether images can stand in for the state."""
        return self.from_state and self.estimator


@dataclass(frozen=True, slots=True)
class Workshop:
    """One folder with a file or a run folder for each stage."""

    path: Path
    recipe: Recipe

    @property
    def trained(self) -> tuple[str, ...]:
        """The training stages of which the bundle is made."""
        if not self.recipe.from_state:
            return TRAINED
        return ("perception", "diffusion") if self.recipe.estimates else ("diffusion",)

    @property
    def demonstrations_path(self) -> Path:
        """The recorded demonstrations."""
        return self.path / "demonstrations.zarr"

    @property
    def perception_set_path(self) -> Path:
        """Frames for the encoder; the demonstrations where the objective needs their actions."""
        if self.recipe.perception.objective == "actions":
            return self.demonstrations_path
        return self.path / "perception.zarr"

    @property
    def successes(self) -> SuccessFile:
        """The trained policy's own successes."""
        weights = self.run("diffusion").path / "weights.pt"
        return SuccessFile(self.path / "successes.zarr", weights, self.recipe.own_successes)

    def run(self, stage: str) -> RunFolder:
        """Return the folder of a training stage."""
        return RunFolder(self.path / stage)

    def demonstrations(self) -> Episodes:
        """Open the demonstrations.

        Raises:
            DataError: The policy shall see images and there are none.
        """
        if self.recipe.recordings is not None:
            found = RECORDINGS[self.recipe.task].read(self.recipe.recordings)
        else:
            found = Episodes.open(self.demonstrations_path)
        if not self.recipe.from_state and not found.attributes.get("cameras"):
            raise DataError(f"{found.path}: expected images of a camera, found the state only")
        return found

    def joints(self) -> Normalizer:
        """Return the normalizer of joint positions."""
        rows = self.demonstrations().rows("joint_position")
        return Normalizer.between(rows.min(0), rows.max(0))

    def actions(self) -> Normalizer:
        """Return the normalizer of actions."""
        rows = self.demonstrations().rows("action")
        return Normalizer.between(rows.min(0), rows.max(0))

    def perception_data(self) -> PerceptionData:
        """Return what the encoder learns from."""
        episodes = Episodes.open(self.perception_set_path)
        return PerceptionData.of(episodes, self.joints(), self.recipe.perception)

    def contrastive_data(self) -> ContrastiveData:
        """Return what the ALT encoder learns from."""
        return ContrastiveData.of(self.demonstrations(), self.joints())

    def encoder(self) -> PolicyEncoder | StateEncoder:
        """Return the policy encoder, trained where there are images."""
        return self._state_encoder() if self.recipe.from_state else self.visual_encoder()

    def visual_encoder(self) -> PolicyEncoder:
        """Return the trained policy encoder of images."""
        config, episodes = self.recipe.perception, Episodes.open(self.perception_set_path)
        facts = episodes.attributes
        n_targets = len(facts["state_names"])
        if config.objective == "actions":
            n_targets = config.windows.horizon * len(facts["joints"])
        size = episodes.arrays[f"img_{facts['cameras'][0]}"].shape[1:3]
        n_cameras, n_joints = len(facts["cameras"]), len(facts["joints"])
        model = PerceptionModel(n_cameras, n_joints, n_targets, (size[0], size[1]), config)
        model.load_state_dict(self.run("perception").weights())
        return model.encoder

    def alt_encoder(self) -> FusionEncoder | StateKeys:
        """Return the ALT encoder, trained where there are images."""
        episodes = self.demonstrations()
        if self.recipe.from_state:
            features = self.features()
            # Among the episodes of the store: more of them would lie closer to each other.
            ends = episodes.ends[: self.recipe.n_stored]
            distances = nearest_elsewhere(features[: ends[-1]], ends).distances[:, 0]
            return StateKeys(
                self._state_encoder(), features.shape[1], length=kernel_length(distances)
            )
        facts = episodes.attributes
        size = episodes.arrays[f"img_{facts['cameras'][0]}"].shape[1:3]
        network = self.recipe.contrastive.network(
            len(facts["cameras"]), len(facts["joints"]), (size[0], size[1])
        )
        network.load_state_dict(self.run("contrastive").weights())
        return network

    def denoiser(self, n_features: int) -> DenoisingTransformer:
        """Return the trained denoiser."""
        network = self.recipe.diffusion.network(
            len(self.demonstrations().attributes["joints"]), n_features
        )
        network.load_state_dict(self.run("diffusion").weights())
        return network

    def drafter(self, n_features: int) -> DenoisingTransformer:
        """Return the trained drafter."""
        network = self.recipe.drafter.network(self._n_joints(), n_features)
        network.load_state_dict(self.run("drafter").weights())
        return network

    def edm(self, n_features: int) -> DenoisingTransformer:
        """Return the trained EDM teacher."""
        network = self.recipe.edm.denoiser.network(self._n_joints(), n_features)
        network.load_state_dict(self.run("edm").weights())
        return network

    def student(self, n_features: int) -> DenoisingTransformer:
        """Return the trained consistency student for jumps to the lowest level."""
        config = self.recipe.consistency
        network = untrained(config, self._n_joints(), n_features)
        network.load_state_dict(self.run("consistency").weights())
        return network.landing_at(config.teacher.levels.end_time)

    def _n_joints(self) -> int:
        return len(self.demonstrations().attributes["joints"])

    def features(self) -> NDArray[np.float32]:
        """Return the policy encoder's features of every demonstration frame, (N, C), cached."""
        if self.recipe.from_state:
            return self.encoded(self.encoder())
        file = self.path / "perception" / "features.npy"
        if not file.is_file():
            np.save(file, self.encoded(self.encoder()))
        return np.load(file)

    def encoded(self, network: nn.Module) -> NDArray[np.float32]:
        """Return what one of the encoders says of every demonstration frame, (N, C)."""
        return encoded(
            network, self.demonstrations(), self.joints(), from_state=self.recipe.from_state
        )

    def diffusion_data(self) -> DiffusionData:
        """Return what the denoiser learns from."""
        config, episodes = self.recipe.diffusion, self.demonstrations()
        if config.condition == "state" and not self.recipe.from_state:
            features = self._true_features(episodes)
        else:
            features = self.features()
        n_joints = len(episodes.attributes["joints"])
        noise = np.full(features.shape[1], config.estimate_noise, dtype=np.float32)
        noise[-n_joints:] = config.joint_noise
        return DiffusionData(
            features=features,
            actions=self.actions().normalize(episodes.rows("action")),
            ends=episodes.ends,
            feature_noise=noise,
        )

    def _state_encoder(self) -> StateEncoder:
        return StateEncoder(*standard(self.demonstrations().rows("state")))

    def _true_features(self, episodes: Episodes) -> NDArray[np.float32]:
        """Return the features of an encoder that never errs, (N, C)."""
        seen = Episodes.open(self.perception_set_path)
        mean, deviation = standard(seen.rows("state")[: self.recipe.perception.n_train(seen)])
        state = (episodes.rows("state") - mean) / deviation
        joints = self.joints().normalize(episodes.rows("joint_position"))
        return np.concatenate([state, joints], axis=1).astype(np.float32)
