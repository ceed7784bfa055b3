# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Training and export of the networks of a bundle; with the sampler backends, the only torch."""
