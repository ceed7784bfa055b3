# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import os
import sys
from threading import Thread

import pytest

from dp_accel_ros.nodes.realtime import SWITCH_S, be_urgent, settle
from dp_accel_ros.nodes.short_slice import CALL_NUMBERS, ask_for_short_slices

linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")


def in_a_thread(action):
    """Return what an action returns in a thread of its own, whose scheduling ends with it."""
    results = []
    thread = Thread(target=lambda: results.append(action()))
    thread.start()
    thread.join()
    return results[0]


def test_no_priority_changes_nothing():
    before = os.sched_getscheduler(0)
    assert in_a_thread(lambda: be_urgent(0)) == ""
    assert os.sched_getscheduler(0) == before


@linux
def test_a_priority_is_given_or_the_reason_is_told():
    def urgent():
        return be_urgent(5), os.sched_getscheduler(0)

    refusal, policy = in_a_thread(urgent)
    assert policy == os.SCHED_FIFO or "no SCHED_FIFO priority 5" in refusal


@linux
@pytest.mark.skipif(os.uname().machine not in CALL_NUMBERS, reason="another processor")
def test_short_slices_need_no_permission():
    assert in_a_thread(ask_for_short_slices)


def test_threads_hand_over_quickly_once_settled():
    before = sys.getswitchinterval()
    settle()
    assert sys.getswitchinterval() == pytest.approx(SWITCH_S)
    sys.setswitchinterval(before)
