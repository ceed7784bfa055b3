# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The bundle that a command takes when it is given none."""

from __future__ import annotations

import sys
from pathlib import Path

PLACES = (Path("models/lift"), Path(sys.prefix) / "share/dp_accel_ros/models/lift")
"""A checkout of the repository, and what `pip install` has put beside the executables."""


def default_bundle() -> Path:
    """Return the first of `PLACES` that is there, or the first, for the error to name."""
    return next((place for place in PLACES if place.is_dir()), PLACES[0])
