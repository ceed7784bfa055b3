# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Somebody who watches the demo from outside and starts its episodes, and costs it little."""

from __future__ import annotations

import os
import struct
import time
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from dp_accel_ros.chunk import NS_PER_S
from dp_accel_ros.errors import DpAccelError
from dp_accel_ros.evaluate.demo.patience import Patience
from dp_accel_ros.evaluate.demo.telemetry import Heard, Inference, Telemetry
from dp_accel_ros.nodes.diagnostics import INFERENCE, values_in
from dp_accel_ros.nodes.messages import stamp_to_ns
from dp_accel_ros.nodes.sim_messages import EPISODE, LATCHED, episode_from_values

RESET_ORDER = ("sim_node", "policy_node", "scheduler_node")
"""First the world, then whoever remembers it: after its own reset each sees only the new one.

Until the scheduler is reset it may still send what belongs to the old world; the simulation
refuses trajectories that would begin with a jump.
"""

_STAMP = struct.Struct("<iI")
_CDR_HEADER_BYTES = 4


class ServiceError(DpAccelError, RuntimeError):
    """A node did not do what it was asked to."""


class DemoObserver:
    """Hears the topics in a thread of its own; everything else is called from one thread.

    Trajectories and chunks are not parsed, only their stamps are read: the times at which they
    were sent and heard come from the middleware, so Python's own delays do not count.
    """

    def __init__(self, domain: int) -> None:
        # read once, when the context begins
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
        self.telemetry = Telemetry()
        self._context = Context()
        self._context.init(domain_id=domain)
        self._node = Node("demo_observer", context=self._context, enable_rosout=False)
        self._connect()
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._thread = Thread(target=self._spin, name="observer", daemon=True)
        self._thread.start()

    def _connect(self) -> None:
        heard = self.telemetry
        for topic, kept in (
            ("joint_trajectory", heard.trajectories),
            ("policy/action_chunk", heard.chunks),
        ):
            # the hints of rclpy know neither raw messages nor their times
            note: Any = partial(_note, kept)
            self._node.create_subscription(JointTrajectory, topic, note, 50, raw=True)
        self._node.create_subscription(DiagnosticArray, INFERENCE, self._on_inference, 50)
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 50)
        self._node.create_subscription(DiagnosticArray, EPISODE, self._on_episode, LATCHED)
        self._resets = {
            name: self._node.create_client(Trigger, f"{name}/reset") for name in RESET_ORDER
        }

    def missing(self) -> list[str]:
        """Return the nodes that cannot be reset yet."""
        return [n for n, client in self._resets.items() if not client.service_is_ready()]

    def reset_world(self, timeout_s: float = 10.0) -> str:
        """Start the next episode and return what the simulation says about it.

        Raises:
            ServiceError: A node does not answer, or refuses.
        """
        answers = [self._call(name, timeout_s) for name in RESET_ORDER]
        return answers[0]

    def close(self) -> None:
        """Stop listening."""
        self._executor.shutdown()
        self._context.shutdown()
        self._thread.join(5.0)

    def _call(self, name: str, timeout_s: float) -> str:
        future = self._resets[name].call_async(Trigger.Request())
        patience = Patience(timeout_s, time.monotonic())
        while not future.done():
            if patience.is_over(time.monotonic()):
                raise ServiceError(f"{name} did not answer ~/reset in {timeout_s:g} s")
            time.sleep(0.001)
        response = future.result()
        if response is None or not response.success:
            raise ServiceError(f"{name} refused ~/reset: {getattr(response, 'message', '')}")
        return response.message

    def _spin(self) -> None:
        with suppress(ExternalShutdownException):
            self._executor.spin()

    def _on_inference(self, msg: Any) -> None:
        values = values_in(msg, INFERENCE)
        self.telemetry.inferences.append(Inference(stamp_to_ns(msg.header.stamp), values))

    def _on_diagnostics(self, msg: Any) -> None:
        for one in msg.status:
            values = {pair.key: pair.value for pair in one.values}
            self.telemetry.diagnostics[one.name] = {"message": one.message, **values}

    def _on_episode(self, msg: Any) -> None:
        self.telemetry.episode = episode_from_values(values_in(msg, EPISODE))


def _note(kept: list[Heard], raw: bytes, info: dict[str, int]) -> None:
    """Keep the times of a serialised message whose first field is a header."""
    sec, nanosec = _STAMP.unpack_from(raw, _CDR_HEADER_BYTES)
    stamp_ns = sec * NS_PER_S + nanosec
    kept.append(Heard(stamp_ns, info["source_timestamp"], info["received_timestamp"]))
