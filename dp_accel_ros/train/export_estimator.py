# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A trained estimator of the state as a file, and into a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dp_accel_ros.bundle import Bundle
from dp_accel_ros.bundle.networks import put_section
from dp_accel_ros.data.episodes import Episodes
from dp_accel_ros.sim import TASKS
from dp_accel_ros.train.export import export, with_noise
from dp_accel_ros.train.onnx_half import rounded_to_half, store_in_half
from dp_accel_ros.train.perception import standard
from dp_accel_ros.train.policy_encoder import PolicyEncoder, scaled
from dp_accel_ros.train.workshop import Workshop

N_SAMPLES = 16


class StateEstimator(nn.Module):
    """What a visual encoder says of the task's state, (B, S), in raw units."""

    mean: Tensor
    deviation: Tensor

    def __init__(
        self, encoder: PolicyEncoder, mean: NDArray[np.float32], deviation: NDArray[np.float32]
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.register_buffer("mean", torch.from_numpy(mean))
        self.register_buffer("deviation", torch.from_numpy(deviation))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return the state from uint8 frames of every camera and, last, the normalised joints."""
        *frames, joints = inputs
        estimate = self.encoder.estimate([scaled(frame) for frame in frames], joints)
        return estimate * self.deviation + self.mean


def worst_errors(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return the largest median and 90th percentile of `state_errors` over all parts of a state."""
    found: dict[str, float] = {}
    for name, value in metrics.items():
        _, *kind = name.rsplit("_", 3)
        if kind and kind[-1] in ("p50", "p90"):
            key = "_".join(["worst", *kind])
            found[key] = max(found.get(key, 0.0), round(float(value), 2))
    return found


def put_estimator(shop: Workshop, bundle: Bundle) -> Bundle:
    """Export the estimator of a workshop into a bundle, and return that as loading finds it."""
    task, path = TASKS[shop.recipe.task](), shop.path / "onnx" / "estimator.onnx"
    run, rng = shop.run("perception"), np.random.default_rng(0)
    seen = Episodes.open(shop.perception_set_path)
    n_train = shop.recipe.perception.n_train(seen)
    network = StateEstimator(shop.visual_encoder(), *standard(seen.rows("state")[:n_train]))
    rows = np.sort(rng.choice(seen.n_frames, N_SAMPLES, replace=False))
    joints = shop.joints().normalize(seen.arrays["joint_position"].oindex[rows])
    samples = {
        name: with_noise(seen.arrays[f"img_{name}"].oindex[rows], rng)
        for name in task.camera_names
    }
    samples["joints"] = with_noise(joints, rng)
    export(rounded_to_half(network), samples, "features", path)
    store_in_half(path)
    height, width = task.image_size
    facts = {
        "cameras": [dict(name=n, width=width, height=height) for n in task.camera_names],
        "feature_dim": len(task.state_names),
        "measured": worst_errors(run.metrics),
    }
    task.close()
    return put_section(bundle.path, "estimator", facts, {"file": path}, run.made)
