# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""How long a chunk takes, method by method, side by side in one run."""
