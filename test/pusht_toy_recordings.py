# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A file in the layout of Diffusion Policy's Push-T recordings, with episodes made up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import zarr


def write_toy_recordings(path: Path, lengths: tuple[int, ...] = (30, 45, 25)) -> Path:
    """Write pushers that circle around a T that turns, and return the path."""
    n_frames = sum(lengths)
    phase = np.linspace(0, 6 * np.pi, n_frames)
    pusher = 256 + 120 * np.stack([np.cos(phase), np.sin(phase)], 1)
    tee = np.stack([200 + 20 * np.sin(phase), 300 + 5 * phase, phase % (2 * np.pi)], 1)
    ahead = 256 + 120 * np.stack([np.cos(phase + 0.2), np.sin(phase + 0.2)], 1)
    root = zarr.open_group(str(path), mode="w")
    root["data/state"] = np.concatenate([pusher, tee], 1).astype(np.float32)
    root["data/action"] = ahead.astype(np.float32)
    root["data/keypoint"] = np.zeros((n_frames, 9, 2), np.float32)
    root["meta/episode_ends"] = np.cumsum(lengths)
    return path
