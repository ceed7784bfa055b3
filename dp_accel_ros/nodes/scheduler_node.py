# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Action chunks in, one smooth joint trajectory out at every control step."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.duration import Duration
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from dp_accel_ros.bundle import load_bundle
from dp_accel_ros.chunk import NS_PER_S
from dp_accel_ros.errors import ConfigError, DpAccelError
from dp_accel_ros.execute.admission import Refusal
from dp_accel_ros.execute.chunk_scheduler import ChunkScheduler
from dp_accel_ros.execute.execution_config import ExecutionConfig
from dp_accel_ros.execute.limits import JointLimits
from dp_accel_ros.execute.lockstep import Lockstep
from dp_accel_ros.execute.phase import ArrivalPhases
from dp_accel_ros.execute.plan import Plan
from dp_accel_ros.nodes.control_record import ControlRecord
from dp_accel_ros.nodes.decider import Decider
from dp_accel_ros.nodes.diagnostics import DECISION, INFERENCE, array_of, values_in
from dp_accel_ros.nodes.lifecycle import ManagedNode
from dp_accel_ros.nodes.messages import (
    joint_state_to_array,
    stamp_to_ns,
    trajectory_to_msg,
)
from dp_accel_ros.nodes.offers import offer_from
from dp_accel_ros.nodes.pairing import Pairing
from dp_accel_ros.nodes.process import run
from dp_accel_ros.nodes.realtime import be_urgent, settle
from dp_accel_ros.nodes.scheduler_config import PARAMETERS, SchedulerNodeConfig
from dp_accel_ros.nodes.scheduler_report import control_status
from dp_accel_ros.nodes.streams import Stream
from dp_accel_ros.nodes.ticker import Ticker


class SchedulerNode(ManagedNode):
    """Commands the arm at a fixed rate with what remains of the newest valid chunk.

    Callbacks and transitions run in the executor's thread; ticks in a thread of their own, or in
    the executor's when time is simulated. A tick takes the joint states that have come since the
    last one. `ChunkScheduler` is what the threads share.
    """

    def __init__(self) -> None:
        super().__init__("scheduler_node")
        for prefix, config_class in PARAMETERS.items():
            self.declared.declare(config_class, prefix)
        self._ticker: Ticker | None = None
        self._lockstep: Lockstep | None = None
        self._plan: Plan | None = None
        self._is_ticking = False
        self._death = ""
        self._take_joints: Callable[[], None] = lambda: None

    def set_up(self) -> None:
        """Read the arm from the bundle and connect."""
        config: SchedulerNodeConfig = self.declared.get()
        execution: ExecutionConfig = self.declared.get("execution")
        bundle = load_bundle(config.bundle)
        self._manifest, self._decider = bundle.manifest, Decider(config.scheduler, bundle)
        joints, dt = self._manifest.joints, self._manifest.dt
        self._period_ns = round(dt * NS_PER_S)
        self._scheduler = ChunkScheduler(
            JointLimits.of(joints, execution.velocity_scale),
            np.array([joint.unit == "rad" for joint in joints]),
            dt,
            execution,
        )
        self._pairing: Pairing[JointTrajectory, DiagnosticArray] = Pairing()
        self._record = ControlRecord(self._period_ns)
        self._arrivals = ArrivalPhases(self._period_ns)
        self._joints = Stream()
        self._plan, self._death, self._malformed = None, "", 0
        self._connect(lockstep=config.lockstep)
        self._choose_clockwork(config)

    def begin(self) -> None:
        """Command the arm from now on, first to stay where it is."""
        self._reset("activated")
        settle()
        self._is_ticking = True
        if self._ticker is not None:
            priority = self.declared.get().realtime_priority
            refusal = be_urgent(max(0, priority - 1))
            if refusal:
                self.get_logger().warning(refusal)
            self._ticker.start(priority)

    def end(self) -> None:
        """Stop ticking, then send what brings the arm to rest."""
        if not self._is_ticking:
            return
        self._is_ticking = False
        if self._ticker is not None and not self._ticker.stop():
            self.get_logger().error("the control thread does not end")
        last = self._message(self._scheduler.stop(self.now_ns()))
        if last is not None:
            self._trajectories.publish(last)
        # the process may end now, and the message must not end with it
        self._trajectories.wait_for_all_acked(Duration(seconds=0.5))
        self._plan = None

    def take_down(self) -> None:
        """Forget how time was kept."""
        self._ticker = self._lockstep = None
        self._take_joints = lambda: None

    def _connect(self, *, lockstep: bool) -> None:
        made = self.entities
        self._trajectories = made.publisher(JointTrajectory, "joint_trajectory")
        self._decisions = made.publisher(DiagnosticArray, DECISION)
        self._diagnostics = made.diagnostics(DiagnosticArray)
        joints = (JointState, "joint_states", self._on_joints)
        if lockstep:
            made.sense(*joints)  # each may be what the next step waits for
        else:
            self._take_joints = made.collect(*joints, reliable=False)
        made.subscribe(DiagnosticArray, INFERENCE, self._on_inference)
        made.subscribe(JointTrajectory, "policy/action_chunk", self._on_chunk)
        made.serve(Trigger, "~/reset", self._on_reset)
        made.every(1.0, self._report, ros_time=False)
        made.on_time_back(partial(self._reset, "time went back"))
        self._say_hold = made.trigger(self._on_hold_changed)

    def _choose_clockwork(self, config: SchedulerNodeConfig) -> None:
        sim_time = bool(self.get_parameter("use_sim_time").value)
        if config.lockstep and not sim_time:
            raise ConfigError("`lockstep` needs `use_sim_time`, because /clock tells the steps")
        if config.lockstep:
            steps = config.replan_steps or self._manifest.n_action_steps
            self._lockstep = Lockstep(self._manifest.dt, self._period_ns, steps)
            # not in the clock's callback, which holds the clock
            self.entities.on_time_forward(self.entities.trigger(self._step))
        elif sim_time:
            self.entities.every(self._manifest.dt, self._on_sim_timer, ros_time=True)
        else:
            self._ticker = Ticker(self._period_ns, self._prepare, self._on_death)

    def _prepare(self, ahead_ns: int) -> Callable[[], None]:
        """Return what sends the command of the tick that is `ahead_ns` from now."""
        began_ns = time.monotonic_ns()
        self._take_joints()
        now_ns = self.now_ns() + ahead_ns
        plan = self._scheduler.at(now_ns)
        msg = self._message(plan)
        took_ns = time.monotonic_ns() - began_ns
        return lambda: self._send(now_ns, plan, msg, took_ns)

    def _send(self, now_ns: int, plan: Plan, msg: Any, took_ns: int) -> None:
        """Command the arm, then say the rest."""
        if msg is not None:
            self._trajectories.publish(msg)
        self._record.add(plan, now_ns, time.monotonic_ns(), took_ns)
        epoch = -1 if plan.followed is None else plan.followed.epoch
        own = self.declared.get("decision")
        self._decisions.publish(self._decider.message(own, now_ns, epoch))
        previous, self._plan = self._plan, plan
        if previous is None or previous.hold is not plan.hold:
            self._say_hold()

    def _message(self, plan: Plan) -> Any:
        if plan.trajectory is None:
            return None
        return trajectory_to_msg(plan.trajectory, self._manifest.joint_names)

    def _on_sim_timer(self) -> None:
        if self._is_ticking:
            self._prepare(0)()

    def _step(self) -> None:
        """In lockstep, tick if it is time and the chunk for it is there."""
        if self._lockstep is None or not self._is_ticking:
            return
        now_ns = self.now_ns()
        if self._lockstep.is_due(now_ns, self._scheduler.newest_stamp_ns()):
            self._prepare(0)()
            if self._plan is not None and self._plan.trajectory is not None:
                self._lockstep.done(now_ns)

    def _on_joints(self, msg: Any) -> None:
        """Take measured joints; a driver without stamps means now."""
        now_ns = self.now_ns()
        stamp_ns = stamp_to_ns(msg.header.stamp) or now_ns
        if not self._joints.accepts(stamp_ns, now_ns):
            return
        try:
            positions = joint_state_to_array(msg, self._manifest.joint_names)
            self._scheduler.observe(stamp_ns, positions)
            self._decider.observe(positions)
        except DpAccelError as error:
            if self._joints.refuse(str(error)):
                self.get_logger().error(f"joint_states: {error}")
        if self._lockstep is not None:
            self._on_shown(now_ns, stamp_ns, self._lockstep)

    def _on_shown(self, now_ns: int, stamp_ns: int, lockstep: Lockstep) -> None:
        if self._is_ticking and self._plan and lockstep.is_asked_again(now_ns, stamp_ns):
            self._trajectories.publish(self._message(self._plan))
        self._step()

    def _on_chunk(self, msg: Any) -> None:
        self._offer(self._pairing.first(stamp_to_ns(msg.header.stamp), msg))

    def _on_inference(self, msg: Any) -> None:
        self._offer(self._pairing.second(stamp_to_ns(msg.header.stamp), msg))

    def _offer(self, pair: tuple[Any, Any] | None) -> None:
        if pair is None:
            return
        try:
            offered = offer_from(*pair, self._manifest.joint_names, self._manifest.dt)
        except DpAccelError as error:
            self._malformed += 1
            self.get_logger().error(f"chunk: {error}", throttle_duration_sec=1.0)
            return
        now_ns = self.now_ns()
        reason = self._scheduler.push(offered, now_ns)
        self._arrivals.add(time.monotonic_ns(), now_ns - offered.chunk.stamp_ns)
        if reason in (None, Refusal.ALL_LATE):
            # from one that came too late, too: the plan that made it slow must not stay
            self._decider.take(offered.chunk, values_in(pair[1], INFERENCE))
        if reason not in (None, Refusal.DUPLICATE):
            text = f"chunk {offered.sequence} of epoch {offered.epoch} refused: {reason}"
            self.get_logger().warning(text, throttle_duration_sec=1.0)
        self._step()

    def _on_reset(self, request: Any, response: Any) -> Any:
        """Serve `~/reset`: the world was reset; start from where the arm is measured next."""
        del request
        self._reset("asked for")
        response.success = True
        return response

    def _reset(self, reason: str) -> None:
        self._take_joints()
        now_ns = self.now_ns()
        self._scheduler.reset(now_ns)
        self._decider.reset(now_ns)
        self._joints.reset(now_ns)
        self._pairing.clear()
        self._record.restart()
        if self._lockstep is not None:
            self._lockstep.restart()
        self.get_logger().info(f"reset: {reason}")

    def _on_hold_changed(self) -> None:
        plan = self._plan
        if plan is not None and plan.followed is not None:
            self.get_logger().info(f"following chunks of {plan.followed.method}")
        elif plan is not None:
            self.get_logger().warning(f"holding: {plan.hold}")

    def _on_death(self, death: str) -> None:
        self._death = death.splitlines()[-1]
        self.get_logger().fatal(f"control ended, the last trajectory ends at rest:\n{death}")

    def _report(self) -> None:
        """Publish diagnostics, and move the ticks to where chunks arrive."""
        if not self._is_ticking:
            self._take_joints()
        now_ns = self.now_ns()
        if self._ticker is not None and self.declared.get().align_ticks:
            self._ticker.aim(self._arrivals.best(self._ticker.phase_ns))
        told = control_status(
            self.get_name(),
            self._plan,
            self._record.report(),
            self._scheduler.counts(),
            self._joints.report(now_ns),
            now_ns=now_ns,
            missed=0 if self._ticker is None else self._ticker.missed,
            unpaired=self._pairing.dropped,
            malformed=self._malformed,
            death=self._death,
        )
        self._diagnostics.publish(array_of(now_ns, [told, self._decider.status(self.get_name())]))


def main(args: list[str] | None = None) -> None:
    """Run the node until it is told to stop."""
    run(SchedulerNode, args)


if __name__ == "__main__":
    main()
