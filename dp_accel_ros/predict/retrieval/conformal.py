# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A threshold of similarity that keeps a promise about false alarms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import ConfigError


def least_rate(ends: NDArray[np.int64]) -> float:
    """Return the smallest false-alarm rate that so many episodes can promise."""
    return 1.0 / (len(ends) + 1)


def conformal_threshold(
    similarities: NDArray[np.floating], ends: NDArray[np.int64], false_alarm_rate: float
) -> float:
    """Return the similarity below which a frame counts as out of distribution (gamma).

    A frame of a new episode falls below it with probability `false_alarm_rate` at most, if that
    episode is exchangeable with these. Frames of one episode are not independent, so episodes are
    what counts: each weighs the same, and one more, the new one, is reckoned to lie below all
    (hierarchical conformal prediction, Lee, Barber and Willett 2023).

    Args:
        similarities: Of each frame to the most similar frame of another episode, (N,).
        ends: Row after the last frame of each episode, (E,).
        false_alarm_rate: At least 1 / (E + 1); fewer episodes cannot promise less.
    """
    least = least_rate(ends)
    if not least <= false_alarm_rate < 1.0:
        raise ConfigError(
            f"`false_alarm_rate` must be at least {least:.4g}, which is 1 / ({len(ends)} episodes"
            f" + 1), and below 1, got {false_alarm_rate:g}"
        )
    lengths = np.diff(ends, prepend=0)
    # Each episode weighs 1 / (E + 1), spread over its frames; the new one has the last share.
    weights = np.repeat(least / lengths, lengths)  # (N,)
    order = np.argsort(similarities, kind="stable")
    below = np.concatenate([[0.0], np.cumsum(weights[order])[:-1]])  # weight of the frames before
    # Sums of weights round, and a rate of exactly 1 / (E + 1) must still find the lowest frame.
    allowed = false_alarm_rate - least + 1e-9
    return float(similarities[order[np.searchsorted(below, allowed, side="right") - 1]])
