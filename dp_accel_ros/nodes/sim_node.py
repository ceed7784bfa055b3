# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The simulated robot as its driver would show it to ROS.

One thread does everything: what arrives, physics, images and what is sent. Nothing needs a lock,
and the graphics context stays in the thread that made it.

    wall clock   sleep until the next slice -> trajectories that arrived -> physics -> joint states
                 every 4th slice also images; then services and parameters
    lockstep     a trajectory arrives -> the slices of one image period -> /clock
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from pathlib import Path
from threading import Event
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_sensor_data
from rclpy.signals import SignalHandlerOptions
from rosgraph_msgs.msg import Clock as ClockMsg
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Bool
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from dp_accel_ros.chunk import NS_PER_S
from dp_accel_ros.nodes.diagnostics import OK, array_of, status
from dp_accel_ros.nodes.inbox import Inbox
from dp_accel_ros.nodes.messages import image_to_msg, joint_state_to_msg, ns_to_stamp
from dp_accel_ros.nodes.params import Parameters
from dp_accel_ros.nodes.process import WAKE_S
from dp_accel_ros.nodes.sim_messages import (
    EPISODE,
    LATCHED,
    STATE,
    episode_values,
    path_from_msg,
    physics_status,
)
from dp_accel_ros.sim import TASKS
from dp_accel_ros.sim.node_config import SimConfig
from dp_accel_ros.sim.pace import Pace
from dp_accel_ros.sim.recording import Recorder
from dp_accel_ros.sim.simulated_robot import Sensed, SimulatedRobot
from dp_accel_ros.sim.trajectory_controller import Refused

STEADY = Clock(clock_type=ClockType.STEADY_TIME)
REPEAT_S = 0.5
"""In lockstep, a tick that nobody answers is shown again after this time: a listener may be new."""


class SimNode(Node):
    """Publishes joint states and images, follows `joint_trajectory`, resets on request."""

    def __init__(self) -> None:
        super().__init__("sim_node")
        self._params = Parameters(self)
        config = self._config = self._params.declare(SimConfig)
        self._task = TASKS[config.task]()
        if config.publish_images:
            self._task.images()  # makes the graphics context before time runs
        self._image_every = config.image_every(self._task.dt)
        # lockstep begins at 1 s, because a trajectory with stamp 0 means now
        start_ns = NS_PER_S if config.lockstep else self._clock_ns()
        self._robot = SimulatedRobot(
            self._task,
            seed=config.seed,
            now_ns=start_ns,
            slice_s=config.slice_s,
            image_every=self._image_every,
            with_images=config.publish_images,
        )
        self._slice_ns = round(config.slice_s * NS_PER_S)
        self._pace = Pace(start_ns, self._slice_ns)
        self._recorder = Recorder()
        self._counts: Counter[str] = Counter()
        self._told: tuple[int, bool, bool] | None = None
        self._shown: list[Sensed] = []
        self._inbox: Inbox | None = None
        self._connect()
        if config.lockstep:
            self._run_tick()
            self.create_timer(REPEAT_S, self._show_tick, clock=STEADY)

    def _connect(self) -> None:
        self._joint_states = self.create_publisher(JointState, "joint_states", 10)
        self._cameras = {
            name: self.create_publisher(Image, f"camera/{name}/image_raw", qos_profile_sensor_data)
            for name in self._task.camera_names
        }
        self._state = self.create_publisher(JointState, STATE, 10)
        self._success = self.create_publisher(Bool, "task/success", LATCHED)
        self._episode = self.create_publisher(DiagnosticArray, EPISODE, LATCHED)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._time = (
            self.create_publisher(ClockMsg, "/clock", 10) if self._config.lockstep else None
        )
        trajectories = (JointTrajectory, "joint_trajectory", self._on_trajectory)
        if self._config.lockstep:
            self.create_subscription(*trajectories, 10)
        else:
            self._inbox = Inbox(self, *trajectories, reliable=True)
        self.create_service(Trigger, "~/reset", self._on_reset)
        self.create_timer(1.0, self._publish_diagnostics, clock=STEADY)

    def _clock_ns(self) -> int:
        return self.get_clock().now().nanoseconds

    def turn(self, executor: SingleThreadedExecutor) -> None:
        """Wait for what is due next and do it; the executor serves what was asked for meanwhile."""
        if self._inbox is None:
            executor.spin_once(timeout_sec=WAKE_S)
            return
        # a timer of the executor would wake later than this, and cost more than the physics
        wait_s = (self._pace.next_ns - self._clock_ns()) / NS_PER_S
        time.sleep(min(max(0.0, wait_s), self._config.slice_s))
        self._inbox.empty()
        for stamp_ns in self._pace.due(self._clock_ns()):
            sensed = self._advanced(stamp_ns)
            self._publish(sensed)
            if sensed.images is not None:
                executor.spin_once(timeout_sec=0)

    def _on_trajectory(self, msg: Any) -> None:
        path = path_from_msg(msg)
        now_ns = self._robot.episode.now_ns if self._config.lockstep else self._clock_ns()
        answer = self._robot.follow(path, now_ns)
        if isinstance(answer, Refused):
            self._counts["trajectories refused"] += 1
            self.get_logger().warning(answer.reason, throttle_duration_sec=1.0)
        else:
            self._counts["trajectories followed"] += 1
        if self._config.lockstep and path.stamp_ns == now_ns:
            self._run_tick()

    def _run_tick(self) -> None:
        """Lockstep: let one image period pass and show the tick that has come."""
        start_ns = self._robot.episode.now_ns
        self._shown = [
            self._advanced(start_ns + (index + 1) * self._slice_ns)
            for index in range(self._image_every)
        ]
        self._show_tick()

    def _show_tick(self) -> None:
        for sensed in self._shown:
            self._publish(sensed)
        if self._time is not None:
            # time comes last, so that whoever wakes by it finds the sensors of that time
            self._time.publish(ClockMsg(clock=ns_to_stamp(self._robot.episode.now_ns)))

    def _on_reset(self, _: Any, response: Any) -> Any:
        seed = self._params.get().seed
        self.set_parameters([Parameter("seed", value=seed + 1)])
        # at the robot's own time, so that stamps rise whatever a reset costs
        self._robot.reset(seed, self._robot.episode.now_ns)
        if self._config.lockstep:
            self._run_tick()
        self._publish_episode()
        response.success = True
        response.message = f"episode {self._robot.episode.number} from seed {seed}"
        self.get_logger().info(response.message)
        return response

    def _advanced(self, stamp_ns: int) -> Sensed:
        sensed = self._robot.advance(stamp_ns)
        self._counts["slices"] += 1
        if self._config.record:
            self._robot.note(sensed, self._recorder)
        return sensed

    def _publish(self, sensed: Sensed) -> None:
        names = [joint.name for joint in self._task.joints]
        self._joint_states.publish(
            joint_state_to_msg(names, sensed.stamp_ns, sensed.positions, sensed.velocities)
        )
        if sensed.images is None or sensed.state is None:
            return
        self._state.publish(
            joint_state_to_msg(self._task.state_names, sensed.stamp_ns, sensed.state)
        )
        config = self._params.get()
        for name, image in sensed.images.items():
            if config.shows(name):
                self._cameras[name].publish(image_to_msg(image, sensed.stamp_ns, f"{name}_camera"))
        self._counts["images"] += 1
        episode = self._robot.episode
        facts = (episode.number, episode.success_ns is not None, episode.time_is_up)
        if facts != self._told or self._counts["images"] % 5 == 0:
            self._publish_episode()

    def _publish_episode(self) -> None:
        episode = self._robot.episode
        succeeded = episode.success_ns is not None
        if self._told is None or self._told[:2] != (episode.number, succeeded):
            self._success.publish(Bool(data=succeeded))
        self._told = (episode.number, succeeded, episode.time_is_up)
        one = status(EPISODE, OK, f"episode {episode.number}", episode_values(episode))
        self._episode.publish(array_of(episode.now_ns, [one]))

    def _publish_diagnostics(self) -> None:
        one = physics_status(self.get_name(), self._task.name, self._counts, self._pace)
        self._diagnostics.publish(array_of(self._clock_ns(), [one]))

    def finish(self) -> None:
        """Write the recording and free the graphics context."""
        if self._config.record:
            self._recorder.recording().save(Path(self._config.record))
        self._task.close()


def main() -> None:
    """Run the node until it is told to stop; however often it is told, it ends with 0."""
    told_to_stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told_to_stop.set())
    # rclpy's own handlers would end the context in the middle of a callback that publishes
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = SimNode()
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        while not told_to_stop.is_set():
            node.turn(executor)
    finally:
        node.finish()
        executor.shutdown()
        rclpy.shutdown()


if __name__ == "__main__":
    main()
