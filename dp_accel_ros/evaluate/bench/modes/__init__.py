# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Which of several ways a policy takes: counted, and compared with the base."""
