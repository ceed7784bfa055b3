# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The two messages about one chunk, joined to what the scheduler is offered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dp_accel_ros.execute.admission import OfferedChunk
from dp_accel_ros.nodes.diagnostics import INFERENCE, values_in, whole
from dp_accel_ros.nodes.messages import chunk_from_msg


def offer_from(
    chunk_msg: Any, inference_msg: Any, joint_names: Sequence[str], dt: float
) -> OfferedChunk:
    """Return a chunk with what was said about its inference.

    Raises:
        DpAccelError: One of the messages is not what the policy sends for this arm.
    """
    values = values_in(inference_msg, INFERENCE)
    return OfferedChunk(
        chunk_from_msg(chunk_msg, joint_names, dt),
        epoch=whole(values, "epoch"),
        sequence=whole(values, "sequence"),
        method=values.get("method", ""),
        ood=values.get("ood") == "true",
    )
