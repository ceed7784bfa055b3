# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Accelerated diffusion policies for real-time robot control under ROS 2."""

__version__ = "0.1.0"
