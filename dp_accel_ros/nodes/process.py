# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A process around a lifecycle node, from its arguments to its exit code."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Callable
from threading import Event, Thread

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from dp_accel_ros.errors import DpAccelError
from dp_accel_ros.nodes.lifecycle import SUCCESS, ManagedNode

WAKE_S = 0.1
"""How long a node without anything to do may take to notice that it is told to stop."""


def run(make_node: Callable[[], ManagedNode], args: list[str] | None = None) -> None:
    """Run a node until SIGINT or SIGTERM; deactivate it before its publishers go.

    rclpy's own signal handlers would end the context first, and then no last command could leave.
    The exit code is 0 after a signal and 1 when the node could not start or work.
    """
    told_to_stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told_to_stop.set())
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = make_node()
        good = (not _starts_itself(node) or _started(node)) and _spin_until(told_to_stop, node)
        node.shut_down()
        node.destroy_node()
    except DpAccelError as error:
        sys.exit(f"error: {error}")
    finally:
        rclpy.shutdown()
    if not good:
        sys.exit(1)


def _starts_itself(node: ManagedNode) -> bool:
    return bool(node.get_parameter("autostart").value)


def _started(node: ManagedNode) -> bool:
    return node.trigger_configure() == SUCCESS and node.trigger_activate() == SUCCESS


def _spin_until(told_to_stop: Event, node: ManagedNode) -> bool:
    """Run callbacks in a thread until told to stop; False when one of them failed."""
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    failures: list[str] = []

    def spin() -> None:
        try:
            while not told_to_stop.is_set():
                executor.spin_once(timeout_sec=WAKE_S)
        except Exception:  # noqa: BLE001  the thread ends here; the arm is made safe by the caller
            failures.append(traceback.format_exc())
            told_to_stop.set()

    thread = Thread(target=spin, name="executor")
    thread.start()
    told_to_stop.wait()
    # not before the thread has ended: rclpy's executor cannot be shut down while it runs callbacks
    thread.join()
    executor.shutdown()
    for failure in failures:
        node.get_logger().fatal(f"a callback failed:\n{failure}")
    return not failures
