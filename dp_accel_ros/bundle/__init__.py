# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""One folder with all that a policy is made of: read, written, and parts of it exchanged."""

from __future__ import annotations

from dp_accel_ros.bundle.folder import (
    MANIFEST_NAME,
    Bundle,
    CalibrationArrays,
    KnowledgeArrays,
    StoreArrays,
    load_bundle,
    sha256_of,
    write_bundle,
)

__all__ = [
    "MANIFEST_NAME",
    "Bundle",
    "CalibrationArrays",
    "KnowledgeArrays",
    "StoreArrays",
    "load_bundle",
    "sha256_of",
    "write_bundle",
]
