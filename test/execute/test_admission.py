# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from scheduling import DT, chunk, ns, offered

from dp_accel_ros.chunk import ActionChunk
from dp_accel_ros.execute.admission import Newest, OfferedChunk, Refusal, refusal

NEWEST = Newest(epoch=5, sequence=7)


def reason(candidate, newest=NEWEST, now=1.0):
    return refusal(newest, candidate, ns(now), n_joints=2)


@pytest.mark.parametrize(
    ("epoch", "sequence", "expected"),
    [
        (5, 8, None),
        (5, 20, None),
        (6, 0, None),
        (5, 7, Refusal.DUPLICATE),
        (5, 6, Refusal.OUT_OF_ORDER),
        (4, 99, Refusal.OLD_EPOCH),
    ],
)
def test_the_newest_chunk_of_the_newest_epoch_wins(epoch, sequence, expected):
    assert reason(offered(0, sequence, epoch)) is expected


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_chunk_with_a_number_that_is_not_finite_is_refused(bad):
    damaged = chunk(0)
    damaged.actions[3, 1] = bad
    assert reason(OfferedChunk(damaged, 5, 8)) is Refusal.NOT_FINITE


@pytest.mark.parametrize("shape", [(0, 2), (4, 3), (4,)])
def test_a_chunk_of_the_wrong_size_is_refused(shape):
    damaged = ActionChunk(np.zeros(shape, np.float32), ns(0), DT)
    assert reason(OfferedChunk(damaged, 5, 8)) is Refusal.WRONG_SIZE


def test_a_chunk_whose_actions_are_all_late_is_refused():
    assert reason(offered(0, 8, 5), now=14.1) is Refusal.ALL_LATE


def test_a_chunk_stamped_ahead_of_now_is_refused():
    assert reason(offered(5, 8, 5), now=0) is Refusal.FROM_THE_FUTURE


def test_a_chunk_observed_before_the_reset_is_refused():
    newest = Newest(5, 7, since_ns=ns(0.5))
    assert reason(offered(0, 8, 5), newest) is Refusal.BEFORE_RESET
    assert reason(offered(0.5, 8, 5), newest) is None
