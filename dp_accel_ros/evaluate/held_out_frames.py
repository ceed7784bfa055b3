# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Recorded episodes as rows of a store, by a policy's own encoders."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dp_accel_ros.bundle import StoreArrays
from dp_accel_ros.data.episodes import Episodes
from dp_accel_ros.data.windows import WindowShape, frame_windows
from dp_accel_ros.errors import DataError, UnknownNameError
from dp_accel_ros.predict.policy import Policy

FRAMES_AT_ONCE = 64


def encoded_frames(
    policy: Policy, episodes: Episodes, on_frames: Callable[[int], None] = lambda done: None
) -> StoreArrays:
    """Return the rows that recorded episodes would be in the store of a policy.

    Args:
        policy: Its encoders give the keys.
        episodes: Of its task, with its cameras and joints.
        on_frames: Told how many frames are done.

    Raises:
        DataError: The episodes are of another robot, or lack a camera.
    """
    manifest = policy.manifest
    joints = episodes.attributes.get("joints", manifest.joint_names)
    if tuple(joints) != manifest.joint_names:
        expected = ", ".join(manifest.joint_names)
        raise DataError(f"{episodes.path}: expected joints {expected}, got {', '.join(joints)}")
    keys, alt_keys = [], []
    for first in range(0, episodes.n_frames, FRAMES_AT_ONCE):
        rows = slice(first, min(first + FRAMES_AT_ONCE, episodes.n_frames))
        seen = _seen(policy, episodes, rows)
        keys.append(policy.encoders["policy"].encode(*seen))
        alt_keys.append(policy.encoders["alt"].encode(*seen))
        on_frames(rows.stop)
    shape = WindowShape(
        n_obs_steps=manifest.n_obs_steps,
        horizon=manifest.horizon,
        n_action_steps=manifest.n_action_steps,
    )
    windows = frame_windows(episodes.ends, shape).observations  # (N, To)
    return StoreArrays(
        actions=episodes.rows("action").astype(np.float32),
        episode_ends=episodes.ends,
        keys=np.concatenate(keys)[windows].reshape(episodes.n_frames, -1),
        alt_keys=np.concatenate(alt_keys),
    )


def _seen(policy: Policy, episodes: Episodes, rows: slice) -> tuple:
    """Return what the encoders take: images, normalised joints and, where there is one, state."""
    manifest = policy.manifest
    for name in manifest.camera_names:
        if f"img_{name}" not in episodes.arrays:
            raise DataError(f"{episodes.path}: expected frames of camera {name!r}, found none")
    images = {name: episodes.arrays[f"img_{name}"][rows] for name in manifest.camera_names}
    joints = policy.joints.normalize(episodes.arrays["joint_position"][rows])
    if not manifest.state:
        return images, joints, None
    names = list(episodes.attributes.get("state_names", ()))
    for name in manifest.state:
        if name not in names:
            raise UnknownNameError(f"number in the state of {episodes.path}", name, names)
    columns = [names.index(name) for name in manifest.state]
    return images, joints, episodes.arrays["state"][rows][:, columns]
