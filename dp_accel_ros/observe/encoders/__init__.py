# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Encoders: camera frames and joints to features."""

from __future__ import annotations

from dp_accel_ros.observe.encoders.base import Encoder

__all__ = ["Encoder"]
