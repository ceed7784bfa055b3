# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The draft length that pays best, from how often drafts hold and what a batch costs.

A round that starts at step p with K drafts makes on average

    1 + a_p + a_p a_(p+1) + ... + a_p ... a_(p+K-1)

steps, the bonus included, and costs C(K + 1); the best K has the most steps for the cost. The
acceptance a of every step is what the accept rule's closed form gives for the measured gaps,
smoothed over chunks.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dp_accel_ros.predict.speculation.batch_costs import BatchCosts

PRIOR = 0.95
"""Acceptance that is assumed where none was measured yet."""

MEMORY = 0.8
"""Weight of the past when a chunk's acceptance is added to it."""


def best_lengths(
    acceptance: NDArray[np.floating], costs: BatchCosts, longest: int, *, bonus: bool = True
) -> NDArray[np.int64]:
    """Return the draft length for a round that starts at each step, for acceptances (..., N)."""
    n_steps = acceptance.shape[-1]
    # Past the last step nothing can be drafted: acceptance 0 ends every product there.
    padding = np.zeros((*acceptance.shape[:-1], longest))
    ahead = np.concatenate([acceptance, padding], axis=-1)
    ahead = sliding_window_view(ahead, longest, axis=-1)[..., :n_steps, :]  # (..., N, longest)
    # Probability that a round gets as far as each draft; the first place is always reached.
    reached = np.concatenate([np.ones((*ahead.shape[:-1], 1)), np.cumprod(ahead, axis=-1)], -1)
    lengths = np.arange(longest + 1)
    if bonus:
        return np.argmax(np.cumsum(reached, axis=-1) / costs.of(lengths + 1), axis=-1)
    # K drafts ask about K states now, and no draft would still ask about one.
    steps = np.cumsum(reached, axis=-1)[..., :-1]
    return 1 + np.argmax(steps / costs.of(lengths[1:]), axis=-1)


def smoothed(
    outlook: NDArray[np.floating], acceptance: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return the outlook (N,) after a chunk whose acceptance (N,) is NaN where nothing was tested."""
    blended = MEMORY * outlook + (1.0 - MEMORY) * acceptance
    return np.where(np.isnan(acceptance), outlook, blended)
