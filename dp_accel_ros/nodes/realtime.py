# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What a Python process can do to be on time; hard real time stays in the controller."""

from __future__ import annotations

import gc
import os
import sys

from dp_accel_ros.nodes.short_slice import ask_for_short_slices

SWITCH_S = 0.0005
"""How long a thread may keep the interpreter while another waits; Python's default is 5 ms."""


def settle() -> None:
    """Keep collections short: what exists now stays, and is not looked at again."""
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(SWITCH_S)


def be_urgent(priority: int) -> str:
    """Give every thread of this process a SCHED_FIFO priority; return what it got instead.

    All of them, because the control thread may have to wait for any: for the interpreter, or for a
    lock of the middleware. Threads that come later inherit it. Without the permission the calling
    thread asks for short slices, which help where Linux is recent.
    """
    if priority == 0:
        return ""
    try:
        # A thread's number counts as a process's here: the call is about one thread at a time.
        for thread in os.listdir("/proc/self/task"):
            os.sched_setscheduler(int(thread), os.SCHED_FIFO, os.sched_param(priority))
    except OSError as error:
        instead = "with short time slices" if ask_for_short_slices() else "without"
        return f"no SCHED_FIFO priority {priority} ({error}); goes on {instead}"
    return ""


def be_first(priority: int) -> None:
    """Put the calling thread before the others of its process; 0 leaves it as it is."""
    if priority and os.sched_getscheduler(0) == os.SCHED_FIFO:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    elif priority:
        ask_for_short_slices()


def be_nice(niceness: int) -> None:
    """Let other processes go first: the calling thread and those that it starts from now on."""
    if os.getpriority(os.PRIO_PROCESS, 0) < niceness:
        os.setpriority(os.PRIO_PROCESS, 0, niceness)
