# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings that others have published: how they are read, and whose they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dp_accel_ros.data.episodes import Episodes
from dp_accel_ros.data.pusht_recordings import pusht_recordings


@dataclass(frozen=True, slots=True)
class Published:
    """Recordings of a task."""

    read: Callable[[str | Path], Episodes]
    source: str
    licence: str


RECORDINGS = {
    "pusht": Published(
        pusht_recordings,
        "human demonstrations of Diffusion Policy (Chi et al. 2023),"
        " https://diffusion-policy.cs.columbia.edu",
        "MIT",
    )
}
"""What is published of a task, by its name."""
