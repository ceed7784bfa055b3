# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Sensor streams as they arrive: which samples count, how often they come, which went silent."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from dp_accel_ros.chunk import NS_PER_S

MAX_AHEAD_NS = NS_PER_S // 2
"""A stamp further ahead of now is from another clock, or from before that clock was set back."""


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """What is known of one stream."""

    rate_hz: float
    """Samples per second since the last report."""

    age_s: float | None
    """Age of the newest stamp; None before the first sample."""

    refused: int
    """Samples that could not be used since the start."""

    complaint: str
    """Why the last of them was refused."""


class Stream:
    """One sensor's stamps. Callbacks call `accepts` and `refuse`; any thread may `report`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._since_ns: int | None = None
        self._newest_ns: int | None = None
        self._reported_ns: int | None = None
        self._arrived = self._refused = 0
        self._complaint = ""

    def accepts(self, stamp_ns: int, now_ns: int) -> bool:
        """Say whether a sample counts: observed since the last reset, and not in the future."""
        with self._lock:
            # On its way during the reset: nobody's fault, so it is not counted as refused.
            if self._since_ns is not None and stamp_ns < self._since_ns:
                return False
            if stamp_ns > now_ns + MAX_AHEAD_NS:
                ahead = (stamp_ns - now_ns) / NS_PER_S
                self._note(f"stamp is {ahead:.3g} s ahead of now; are the clocks in step?")
                return False
            self._arrived += 1
            newest_ns = stamp_ns if self._newest_ns is None else self._newest_ns
            self._newest_ns = max(stamp_ns, newest_ns)
            return True

    def refuse(self, complaint: str) -> bool:
        """Note a sample that could not be used; True when this complaint is a new one."""
        with self._lock:
            is_new = complaint != self._complaint
            self._note(complaint)
            return is_new

    def reset(self, now_ns: int) -> None:
        """Count only what is observed from now on."""
        with self._lock:
            self._since_ns, self._newest_ns = now_ns, None

    def report(self, now_ns: int) -> StreamFacts:
        """Return the facts, and start to count anew."""
        with self._lock:
            since_ns = now_ns if self._reported_ns is None else self._reported_ns
            elapsed_s = (now_ns - since_ns) / NS_PER_S
            rate_hz = self._arrived / elapsed_s if elapsed_s > 0 else 0.0
            age_s = None if self._newest_ns is None else (now_ns - self._newest_ns) / NS_PER_S
            self._reported_ns, self._arrived = now_ns, 0
            return StreamFacts(rate_hz, age_s, self._refused, self._complaint)

    def _note(self, complaint: str) -> None:
        self._refused += 1
        self._complaint = complaint
