# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""One protocol for one bundle: every method that it offers, with its settings, side by side."""
