# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Speculation: draft steps of the base sampler cheaply, verify them in one call of the target."""
