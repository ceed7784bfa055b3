# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Messages that wait until they are needed, instead of waking an executor one by one.

rclpy's executor spends about a millisecond of a core on every wake, whatever the callback does. A
driver that sends joint states at 100 Hz to a node that needs them at 25 Hz costs it a tenth of a
core that way, on the cores that the networks run on.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.exceptions import InvalidHandle
from rclpy.qos import QoSProfile, ReliabilityPolicy

DEPTH = 200
"""Messages that may wait: what a driver at 1 kHz sends between two pictures of a slow camera."""


class Inbox:
    """One subscription whose messages are handed over when `empty` is called.

    `empty` may come from any thread; the callback runs in that one.
    """

    def __init__(
        self,
        node: Any,
        kind: Any,
        topic: str,
        callback: Callable[[Any], None],
        *,
        reliable: bool,
        **options: Any,
    ) -> None:
        """Subscribe.

        Args:
            node: The node that subscribes.
            kind: Type of the messages.
            topic: Their topic.
            callback: Gets each of them, the oldest first.
            reliable: Whether messages are sent again that were lost on the way.
            options: More of what rclpy's `create_subscription` takes.
        """
        policy = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
        self._callback, self._lock = callback, Lock()
        self.subscription = node.create_subscription(
            kind,
            topic,
            callback,
            QoSProfile(depth=DEPTH, reliability=policy),
            callback_group=_NeverReady(),
            **options,
        )

    def empty(self) -> None:
        """Hand over what has arrived; nothing after the subscription was destroyed."""
        taken_from = self.subscription
        with self._lock:
            try:
                with taken_from.handle:
                    while taken := taken_from.handle.take_message(taken_from.msg_type, False):
                        self._callback(taken[0])
            except InvalidHandle:
                return


class _NeverReady(CallbackGroup):
    """Keeps an executor from waiting for a subscription."""

    def can_execute(self, entity: Any) -> bool:
        """Return False."""
        del entity
        return False

    def beginning_execution(self, entity: Any) -> bool:
        """Return False."""
        del entity
        return False

    def ending_execution(self, entity: Any) -> None:
        """Do nothing: nothing began."""
