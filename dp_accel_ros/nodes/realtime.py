# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What a Python process can do to be on time; hard real time stays in the controller."""

from __future__ import annotations

import gc
import os
import sys

SWITCH_S = 0.0005
"""How long a thread may keep the interpreter while another waits; Python's default is 5 ms."""


def settle() -> None:
    """Keep collections short: what exists now stays, and is not looked at again."""
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(SWITCH_S)


def be_urgent(priority: int) -> str:
    """Give the calling thread a SCHED_FIFO priority, 0 for none; return why it could not."""
    if priority == 0:
        return ""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    except (PermissionError, OSError) as error:
        return f"no SCHED_FIFO priority {priority}: {error}; goes on without"
    return ""


def be_nice(niceness: int) -> None:
    """Let other processes go first: the calling thread and those that it starts from now on."""
    if os.getpriority(os.PRIO_PROCESS, 0) < niceness:
        os.setpriority(os.PRIO_PROCESS, 0, niceness)
