# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys

import pytest

from dp_accel_ros.nodes.realtime import SWITCH_S, settle
from dp_accel_ros.nodes.short_slice import CALL_NUMBERS

linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")


def in_a_process(code):
    """Return what a program prints; its scheduling ends with it."""
    lines = ["import os", "from dp_accel_ros.nodes.realtime import *", *code]
    command = [sys.executable, "-c", "\n".join(lines)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@linux
def test_no_priority_changes_nothing():
    assert in_a_process(["print(be_urgent(0) == '', os.sched_getscheduler(0))"]) == "True 0"


@linux
def test_a_priority_is_given_to_all_threads_or_the_reason_is_told():
    told = in_a_process(["print(be_urgent(5), os.sched_getscheduler(0) == os.SCHED_FIFO)"])
    assert told == "True" or "no SCHED_FIFO priority 5" in told


@linux
def test_a_thread_comes_first_only_in_an_urgent_process():
    assert in_a_process(["be_first(5)", "print(os.sched_getscheduler(0))"]) == "0"


@linux
@pytest.mark.skipif(os.uname().machine not in CALL_NUMBERS, reason="another processor")
def test_short_slices_need_no_permission():
    assert in_a_process(["print(ask_for_short_slices())"]) == "True"


def test_threads_hand_over_quickly_once_settled():
    before = sys.getswitchinterval()
    settle()
    assert sys.getswitchinterval() == pytest.approx(SWITCH_S)
    sys.setswitchinterval(before)
