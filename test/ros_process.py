# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A node in a process of its own, and somebody in this process who listens to it."""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient
from rclpy.qos import QoSProfile
from rclpy.task import Future

from dp_accel_ros.evaluate.demo.child import Child

PATIENCE_S = 40.0
"""For a machine that does many other things; what is waited for comes much sooner."""

ROOT = Path(__file__).resolve().parents[1]


def environment(domain: int) -> dict[str, str]:
    own = {
        "ROS_DOMAIN_ID": str(domain),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    return {**os.environ, **own}


def start(module: str, domain: int, log_folder: Path, **parameters: object) -> Child:
    words = [word for name, value in parameters.items() for word in ("-p", f"{name}:={value}")]
    command = [sys.executable, "-m", f"dp_accel_ros.nodes.{module}", "--ros-args", *words]
    return Child(module, command, log_folder, environment(domain))


class Listener:
    """Keeps every message, newest last; everything runs in the test's own thread."""

    def __init__(self, domain: int) -> None:
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
        self._context = Context()
        self._context.init(domain_id=domain)
        self.node = Node("listener", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self.heard: dict[str, list] = defaultdict(list)

    def listen(self, kind: type, topic: str, qos: QoSProfile | int = 100) -> None:
        self.node.create_subscription(kind, topic, self.heard[topic].append, qos)

    def until(self, true: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
        deadline = time.monotonic() + patience_s
        while not true():
            assert time.monotonic() < deadline, f"heard {self.counts()} in {patience_s} s"
            self._executor.spin_once(timeout_sec=0.1)

    def messages(self, topic: str, count: int) -> list:
        """Return `count` messages that come from now on."""
        first = len(self.heard[topic])
        self.until(lambda: len(self.heard[topic]) >= first + count)
        return self.heard[topic][first : first + count]

    def call(self, kind: type, name: str, request: object = None):
        client = self.node.create_client(kind, name)
        self.until(client.service_is_ready)
        answer = self._asked(lambda: client.call_async(request or kind.Request()))
        self.node.destroy_client(client)
        return answer

    def _asked(self, ask: Callable[[], Future]):
        """Return the answer to what is asked until somebody answers."""
        asked, due_s = [], 0.0

        def answered() -> bool:
            nonlocal due_s
            # Ready may still be said of a node of this name that has just ended: then nobody answers.
            if time.monotonic() >= due_s:
                asked.append(ask())
                due_s = time.monotonic() + 10.0
            return any(future.done() for future in asked)

        self.until(answered)
        return next(future for future in asked if future.done()).result()

    def set(self, node: str, **values: object) -> list:
        client = AsyncParameterClient(self.node, node)
        self.until(client.services_are_ready)
        wanted = [Parameter(name, value=value) for name, value in values.items()]
        return self._asked(lambda: client.set_parameters(wanted)).results

    def counts(self) -> dict[str, int]:
        return {topic: len(messages) for topic, messages in self.heard.items()}

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()
        self._context.shutdown()
