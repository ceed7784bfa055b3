# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""From a condition to an action chunk.

policy.py      the map: what happens to one observation
assemble.py    from a bundle to a policy (with loading/), from a name to a method
methods/       DDPM and its kin, RAGDP, ALT, ReDi, TS-DP
samplers/      ways through the levels of schedule.py, each step a call of denoiser.py
networks/      what denoiser.py asks
retrieval/     demonstrations and how far their neighbours can be trusted: RAGDP, ALT
knowledge/     trajectories of the solver itself: ReDi
speculation/   drafts and their verification: TS-DP
"""
