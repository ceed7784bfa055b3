# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Where the human Push-T demonstrations are, for the tests that read them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).parents[2] / "shared/data/pusht/pusht_cchi_v7_replay.zarr"


def pusht_data() -> Path:
    """Return the recordings' path, or skip the test that asks."""
    path = Path(os.environ.get("PUSHT_DATA", BESIDE))
    if not path.is_dir():
        pytest.skip(f"no Push-T demonstrations at {path}; PUSHT_DATA can say where they are")
    return path
