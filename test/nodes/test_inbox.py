# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import os
import time
from threading import Thread

import pytest

pytest.importorskip("rclpy")

from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from std_msgs.msg import Int32

from dp_accel_ros.nodes.inbox import DEPTH, Inbox

pytestmark = pytest.mark.ros
DOMAIN = 30 + os.getpid() % 10
TOPIC = "numbers"
PATIENCE_S = 20.0


class Post:
    """A node with an inbox, and somebody who sends to it."""

    def __init__(self):
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
        self.context = Context()
        self.context.init(domain_id=DOMAIN)
        self.node = Node("receiver", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.taken: list[int] = []
        self.inbox = Inbox(
            self.node, Int32, TOPIC, lambda msg: self.taken.append(msg.data), reliable=True
        )
        self.sender = self.node.create_publisher(Int32, TOPIC, DEPTH)
        self.until(lambda: self.sender.get_subscription_count() == 1)

    def until(self, true):
        end = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < end
            time.sleep(0.005)

    def send(self, numbers):
        for number in numbers:
            self.sender.publish(Int32(data=number))
        self.sender.wait_for_all_acked()

    def emptied(self, count):
        self.until(lambda: self.inbox.empty() or len(self.taken) >= count)
        return self.taken

    def close(self):
        self.executor.shutdown()
        self.node.destroy_node()
        self.context.shutdown()


@pytest.fixture
def post():
    made = Post()
    yield made
    made.close()


def test_messages_wait_until_they_are_asked_for_and_come_in_order(post):
    post.send(range(5))
    # what an executor had to do it would do now
    for _ in range(20):
        post.executor.spin_once(timeout_sec=0.01)
    assert post.taken == []
    assert post.emptied(5) == [0, 1, 2, 3, 4]
    post.inbox.empty()
    assert post.taken == [0, 1, 2, 3, 4]


def test_an_executor_sleeps_through_them(post):
    post.executor.spin_once(timeout_sec=0.0)
    post.send(range(5))
    before = time.monotonic()
    post.executor.spin_once(timeout_sec=0.3)
    assert time.monotonic() - before > 0.25


def test_of_too_many_the_newest_are_kept(post):
    post.send(range(DEPTH + 7))
    assert post.emptied(DEPTH)[-1] == DEPTH + 6
    assert len(post.taken) == DEPTH


def test_two_threads_never_take_one_message_twice(post):
    post.send(range(150))
    post.until(lambda: post.inbox.empty() or post.taken)
    threads = [Thread(target=post.inbox.empty) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert post.emptied(150) == list(range(150))


def test_a_destroyed_subscription_hands_over_nothing(post):
    post.send([1])
    post.node.destroy_subscription(post.inbox.subscription)
    post.inbox.empty()
    assert post.taken == []
