# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What a bundle's `manifest.yaml` says."""

from __future__ import annotations

from dp_accel_ros.manifest.document import FORMAT_VERSION, Manifest, manifest_from

__all__ = ["FORMAT_VERSION", "Manifest", "manifest_from"]
