# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What finished chains say about the speculation that made them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.predict.speculation.chains import Chains
from dp_accel_ros.predict.speculation.closed_form import smoothed
from dp_accel_ros.predict.speculation.rounds import Speculation
from dp_accel_ros.speculation_facts import SpeculationFacts


def facts_of(
    chains: Chains,
    row: int,
    speculation: Speculation,
    lengths: NDArray[np.int64],
    outlook: NDArray[np.float64],
) -> SpeculationFacts:
    """Return the facts of one row, given its draft lengths (N,) and the acceptance expected (N,)."""
    rule, settings, gaps = speculation.rule, speculation.settings, chains.gaps[row]
    tested = ~np.isnan(gaps)
    known = np.where(tested, gaps, 0.0)
    acceptance = np.where(tested, rule.acceptance(known, settings), np.nan)
    return SpeculationFacts(
        drafter=speculation.drafter.name,
        rounds=int(chains.rounds[row]),
        rows=int(chains.rows[row]),
        drafts=int(chains.drafts[row]),
        levels=speculation.table.levels,
        lengths=lengths,
        gaps=gaps,
        kept=chains.accepted[row],
        bias_budget=float(rule.bias(known, settings)[tested].sum()),
        outlook=smoothed(outlook, acceptance),
    )
