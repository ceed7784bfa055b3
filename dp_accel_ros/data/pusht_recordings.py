# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings of Push-T as Diffusion Policy published them, as episodes of our task.

data/state   (N, 5)  pusher x, y, T x, y in px, T angle in rad, before the action
data/action  (N, 2)  where the pusher should be, px

Nothing is written: the file stays as it is, and what our task calls joints and state is computed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import zarr

from dp_accel_ros.data.episodes import Episodes
from dp_accel_ros.errors import DataError
from dp_accel_ros.sim.pusht import M_PER_PX, PushT
from dp_accel_ros.sim.tee import tee_state

COLUMNS = {"state": 5, "action": 2}


def pusht_recordings(path: str | Path) -> Episodes:
    """Return the episodes of a file, in m, without its images.

    Raises:
        DataError: The file is not of this kind.
    """
    raw = Episodes.open(path)
    for key, columns in COLUMNS.items():
        shape = raw.arrays[key].shape if key in raw.arrays else "none"
        if shape != (raw.n_frames, columns):
            raise DataError(f"{path}: `{key}` must be {(raw.n_frames, columns)}, got {shape}")
    state = raw.rows("state").astype(np.float64)
    scenes = np.concatenate([state[:, :4] * M_PER_PX, state[:, 4:]], axis=1)
    rows = {
        "joint_position": scenes[:, :2],
        "state": tee_state(scenes),
        "action": raw.rows("action") * M_PER_PX,
    }
    arrays = {key: zarr.array(values.astype(np.float32)) for key, values in rows.items()}
    facts = {
        "task": PushT.name,
        "dt": PushT.dt,
        "joints": [joint.name for joint in PushT.joints],
        "cameras": [],
        "state_names": list(PushT.state_names),
    }
    return Episodes(raw.path, arrays, raw.ends, facts)
