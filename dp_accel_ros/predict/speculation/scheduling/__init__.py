# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Who plans the drafts of TS-DP; the learned scheduler does from what is known between chunks."""

FIXED, CLOSED_FORM, PPO = "fixed", "closed_form", "ppo"
SCHEDULERS = (FIXED, CLOSED_FORM, PPO)
"""Nobody, the closed form at work in TS-DP itself, or the learned actor of a bundle."""
