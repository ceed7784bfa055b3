# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Short time slices: what Linux 6.12 and newer give to anybody who is often awake, but briefly.

A thread that asks for a short slice is put before those with long ones when it wakes. That needs no
permission. Python offers no call for it, so the system call is made directly.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct

CALL_NUMBERS = {"x86_64": 314, "aarch64": 274}
"""Number of sched_setattr by machine."""

SLICE_NS = 100_000
"""The shortest that the kernel accepts."""


def ask_for_short_slices() -> bool:
    """Ask for the calling thread; False where the system has no such call or refuses.

    An older kernel accepts the call and changes nothing.
    """
    number = CALL_NUMBERS.get(platform.machine())
    if number is None or platform.system() != "Linux":
        return False
    niceness = os.getpriority(os.PRIO_PROCESS, 0)
    # struct sched_attr: size, policy, flags, nice, priority, runtime, deadline, period
    attributes = struct.pack("IIQiIQQQ", 48, 0, 0, niceness, 0, SLICE_NS, 0, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.syscall(number, 0, ctypes.create_string_buffer(attributes, 48), 0) == 0
