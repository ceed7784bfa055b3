# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What speculation did in one episode, in plain numbers that can be kept in a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dp_accel_ros.speculation_facts import SpeculationFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeculationRecord:
    """Counts of each of an episode's chunks, and of each of the N diffusion steps over all."""

    rounds: tuple[int, ...]
    """Serial target calls of each chunk."""

    drafts: tuple[int, ...]
    """States drafted for each chunk."""

    accepted: tuple[int, ...]
    """Drafts of each chunk that were accepted."""

    bias_budgets: tuple[float, ...]
    """Bound on the total variation of each chunk from the base sampler."""

    tested_at: tuple[int, ...]
    """Chunks in which the draft of a step was tested, (N,), the noisiest step first."""

    accepted_at: tuple[int, ...]
    """Chunks in which it was accepted, (N,)."""

    @classmethod
    def of(cls, facts: Sequence[SpeculationFacts]) -> SpeculationRecord | None:
        """Return the record of an episode's chunks; None where none of them speculated."""
        if not facts:
            return None
        return cls(
            rounds=tuple(one.rounds for one in facts),
            drafts=tuple(one.drafts for one in facts),
            accepted=tuple(int(one.kept.sum()) for one in facts),
            bias_budgets=tuple(round(one.bias_budget, 6) for one in facts),
            tested_at=tuple(np.sum([one.tested for one in facts], axis=0).tolist()),
            accepted_at=tuple(np.sum([one.kept for one in facts], axis=0).tolist()),
        )
