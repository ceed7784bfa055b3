# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Denoising networks on different backends."""

from __future__ import annotations

from dp_accel_ros.predict.networks.base import Network

__all__ = ["Network"]
