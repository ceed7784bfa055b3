# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Which chunks may move the arm: the newest of the newest epoch, and only whole ones.

An epoch is the time between two resets. Its number rises with every reset and with every start of
the policy, so what was thought before a reset can never move the arm after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from dp_accel_ros.chunk import NS_PER_S, ActionChunk
from dp_accel_ros.execute.timing import late_actions

MAX_AHEAD_NS = NS_PER_S // 10
"""A stamp further ahead of now is from another clock, or from before that clock was set back."""


class Refusal(StrEnum):
    """Why a chunk was refused."""

    WRONG_SIZE = "wrong size"
    NOT_FINITE = "not finite"
    OLD_EPOCH = "old epoch"
    DUPLICATE = "duplicate"
    OUT_OF_ORDER = "out of order"
    BEFORE_RESET = "observed before the reset"
    FROM_THE_FUTURE = "stamp ahead of now"
    ALL_LATE = "every action is late"
    OUT_OF_DISTRIBUTION = "out of distribution"


@dataclass(frozen=True, slots=True)
class OfferedChunk:
    """A chunk with its place in the stream of chunks."""

    chunk: ActionChunk
    epoch: int
    sequence: int
    """Rises by one with every chunk of an epoch."""

    method: str = ""
    ood: bool = False
    """True when the policy says that it has not been trained for what it sees."""


@dataclass(frozen=True, slots=True)
class Newest:
    """What the last admitted chunk was, and since when observations count."""

    epoch: int = -1
    sequence: int = -1
    since_ns: int | None = None

    def after(self, offered: OfferedChunk) -> Newest:
        """Return the state once a chunk was admitted."""
        return Newest(offered.epoch, offered.sequence, self.since_ns)


def refusal(newest: Newest, offered: OfferedChunk, now_ns: int, n_joints: int) -> Refusal | None:
    """Return why a chunk must not move the arm, or None."""
    return (
        _damage(offered.chunk, n_joints)
        or _disorder(newest, offered)
        or _age(newest, offered.chunk, now_ns)
    )


def _damage(chunk: ActionChunk, n_joints: int) -> Refusal | None:
    actions = chunk.actions
    if actions.ndim != 2 or not len(actions) or actions.shape[1] != n_joints or not chunk.dt > 0:
        return Refusal.WRONG_SIZE
    return None if np.isfinite(actions).all() else Refusal.NOT_FINITE


def _disorder(newest: Newest, offered: OfferedChunk) -> Refusal | None:
    if offered.epoch < newest.epoch:
        return Refusal.OLD_EPOCH
    if offered.epoch > newest.epoch or offered.sequence > newest.sequence:
        return None
    return Refusal.DUPLICATE if offered.sequence == newest.sequence else Refusal.OUT_OF_ORDER


def _age(newest: Newest, chunk: ActionChunk, now_ns: int) -> Refusal | None:
    if newest.since_ns is not None and chunk.stamp_ns < newest.since_ns:
        return Refusal.BEFORE_RESET
    if chunk.stamp_ns > now_ns + MAX_AHEAD_NS:
        return Refusal.FROM_THE_FUTURE
    return Refusal.ALL_LATE if late_actions(chunk, now_ns) == len(chunk.actions) else None
