# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What a node makes when it is configured, kept so that all of it can be unmade."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, JumpThreshold
from rclpy.clock_type import ClockType
from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from rclpy.qos_overriding_options import QoSOverridingOptions

from dp_accel_ros.nodes.inbox import Inbox

RELIABLE = QoSProfile(depth=10)


class Entities:
    """Publishers, subscriptions, services, timers and clock callbacks of one lifecycle node."""

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        self._undo: list[Callable[[], Any]] = []

    def publisher(self, kind: Any, topic: str) -> Any:
        """Return a reliable publisher that is silent while the node is inactive."""
        made: Any = self._node.create_lifecycle_publisher(kind, topic, RELIABLE)
        self._undo.append(lambda: self._node.destroy_lifecycle_publisher(made))
        return made

    def diagnostics(self, kind: Any) -> Any:
        """Return the publisher of `/diagnostics`, which also speaks while the node is inactive."""
        made = self._node.create_publisher(kind, "/diagnostics", RELIABLE)
        self._undo.append(lambda: self._node.destroy_publisher(made))
        return made

    def subscribe(self, kind: Any, topic: str, callback: Callable[[Any], None]) -> None:
        """Subscribe to a topic of which no message may be lost."""
        made = self._node.create_subscription(kind, topic, callback, RELIABLE)
        self._undo.append(lambda: self._node.destroy_subscription(made))

    def sense(self, kind: Any, topic: str, callback: Callable[[Any], None]) -> None:
        """Subscribe to a sensor: best effort unless `qos_overrides` parameters say otherwise."""
        overriding = QoSOverridingOptions.with_default_policies()
        made = self._node.create_subscription(
            kind, topic, callback, qos_profile_sensor_data, qos_overriding_options=overriding
        )
        self._undo.append(lambda: self._node.destroy_subscription(made))

    def collect(
        self, kind: Any, topic: str, callback: Callable[[Any], None], *, reliable: bool
    ) -> Callable[[], None]:
        """Subscribe to a topic that is faster than its messages are needed.

        Returns:
            What calls back for every message that has arrived since it was called last; any thread
            may call it.
        """
        overriding = None if reliable else QoSOverridingOptions.with_default_policies()
        made = Inbox(
            self._node,
            kind,
            topic,
            callback,
            reliable=reliable,
            qos_overriding_options=overriding,
        )
        self._undo.append(lambda: self._node.destroy_subscription(made.subscription))
        return made.empty

    def serve(self, kind: Any, name: str, callback: Callable[[Any, Any], Any]) -> None:
        """Offer a service."""
        made = self._node.create_service(kind, name, callback)
        self._undo.append(lambda: self._node.destroy_service(made))

    def every(self, period_s: float, callback: Callable[[], None], *, ros_time: bool) -> None:
        """Call back at a rate, on the node's clock or on one that never stops."""
        clock = self._node.get_clock() if ros_time else Clock(clock_type=ClockType.STEADY_TIME)
        made = self._node.create_timer(period_s, callback, clock=clock)
        self._undo.append(lambda: self._node.destroy_timer(made))

    def trigger(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Return a function that has the executor call back soon; any thread may call it."""
        made = self._node.create_guard_condition(callback)
        self._undo.append(lambda: self._node.destroy_guard_condition(made))
        return made.trigger

    def on_time_back(self, callback: Callable[[], None]) -> None:
        """Call back when simulated time was set back."""
        self._on_jump(None, Duration(nanoseconds=-1), callback)

    def on_time_forward(self, callback: Callable[[], None]) -> None:
        """Call back at every step of simulated time."""
        self._on_jump(Duration(nanoseconds=1), None, callback)

    def clear(self) -> None:
        """Destroy everything, last made first."""
        while self._undo:
            self._undo.pop()()

    def _on_jump(
        self, forward: Duration | None, backward: Duration | None, callback: Callable[[], None]
    ) -> None:
        threshold = JumpThreshold(
            min_forward=forward, min_backward=backward, on_clock_change=False
        )
        made = self._node.get_clock().create_jump_callback(
            threshold, post_callback=lambda _: callback()
        )
        self._undo.append(made.unregister)
