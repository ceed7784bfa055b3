# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A learned chunk scheduler: from what is known between two chunks to the next draft plan."""
