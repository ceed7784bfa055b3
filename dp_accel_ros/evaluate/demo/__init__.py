# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The nodes in processes of their own, watched from outside, and what that leaves behind."""
