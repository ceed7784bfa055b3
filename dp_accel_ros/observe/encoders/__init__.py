# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Encoders: what was seen and measured to features."""

from __future__ import annotations

from dp_accel_ros.observe.encoders.base import Encoder

__all__ = ["Encoder"]
