# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Keys of the retrieval store: what the encoders say of every demonstration frame.

No augmentation enters here, so that a stored frame finds itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dp_accel_ros.data.episodes import Episodes
from dp_accel_ros.data.windows import WindowShape, frame_windows
from dp_accel_ros.observe.normalizer import Normalizer
from dp_accel_ros.train.loop import best_device

NEAR_HAND = "from_tip"
"""In the name of a number that says where something is in the frame of the hand."""

OFFSET_SCALE, JOINT_SCALE = 3.0, 0.5


@torch.no_grad()
def encoded(
    network: nn.Module,
    episodes: Episodes,
    joints: Normalizer,
    batch_size: int = 256,
    *,
    from_state: bool = False,
) -> NDArray[np.float32]:
    """Return a network's features of every frame, (N, C), from its images or from its state."""
    cameras = [] if from_state else episodes.attributes["cameras"]
    device = best_device()
    network = network.to(device).eval()
    parts: list[Tensor] = []
    for first in range(0, episodes.n_frames, batch_size):
        rows = slice(first, min(first + batch_size, episodes.n_frames))
        inputs = [episodes.arrays[f"img_{name}"][rows] for name in cameras]
        inputs.append(joints.normalize(episodes.arrays["joint_position"][rows]))
        if from_state:
            inputs.append(episodes.arrays["state"][rows])
        parts.append(network(*(torch.from_numpy(array).to(device) for array in inputs)).cpu())
    return torch.cat(parts).numpy()


def key_scale(state_names: Sequence[str], n_joints: int) -> list[float] | None:
    """Return the weights of features [state, joints] in a search, or None where all weigh the same.

    Whether a grasp succeeds is decided by where the object is as the hand sees it; the arm's joints
    say the same less precisely. docs/training.md has what was tried.
    """
    near_hand = [NEAR_HAND in name for name in state_names]
    if not any(near_hand):
        return None
    return [OFFSET_SCALE if near else 1.0 for near in near_hand] + [JOINT_SCALE] * n_joints


def window_keys(
    features: NDArray[np.float32], ends: NDArray[np.int64], shape: WindowShape
) -> NDArray[np.float32]:
    """Return the flattened condition of every frame as "now", (N, To * C)."""
    windows = frame_windows(ends, shape).observations
    return features[windows].reshape(len(features), -1)


def chunk_distance(
    nearest: NDArray[np.int64],
    actions: NDArray[np.float32],
    ends: NDArray[np.int64],
    shape: WindowShape,
) -> NDArray[np.float32]:
    """Return root mean square differences of normalised chunks of frames and matches, (N,)."""
    chunks = actions[frame_windows(ends, shape).index]  # (N, Tp, Da)
    return np.sqrt(((chunks - chunks[nearest]) ** 2).mean(axis=(1, 2)))


def ood_threshold(similarity: NDArray[np.float32], false_alarms: float = 0.002) -> float:
    """Return the cosine similarity below which a frame counts as out of distribution.

    Split-conformal: `similarity` are those of frames to other episodes, (N,), and in
    distribution at most about `false_alarms` of new frames fall below the threshold.
    """
    # The (N + 1)-th is the new frame itself, which may lie anywhere among the others.
    rank = int(np.floor(false_alarms * (len(similarity) + 1)))
    return float(np.sort(similarity)[max(rank - 1, 0)])
