# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""ReDi's trajectory knowledge base: how it is built, searched and judged.

`trajectories` runs the solver, `building` keeps what it passes, `knowledge_base` looks it up and
`weights` mixes what was found; `quality` and `expansion` say how far the result can be trusted.
"""
