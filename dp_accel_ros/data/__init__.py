# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Demonstrations: on disk, cut into windows, and recorded from a task."""
