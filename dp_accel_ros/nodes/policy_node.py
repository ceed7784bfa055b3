# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Images and joint states in, action chunks out."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from dp_accel_ros.chunk import Cost
from dp_accel_ros.errors import DpAccelError
from dp_accel_ros.nodes import policy_report
from dp_accel_ros.nodes.decision_watch import DecisionWatch, heard_from
from dp_accel_ros.nodes.diagnostics import (
    DECISION,
    INFERENCE,
    OK,
    WARN,
    array_of,
    inference_values,
    status,
)
from dp_accel_ros.nodes.inference_loop import Idle, Inference
from dp_accel_ros.nodes.intake import Intake
from dp_accel_ros.nodes.lifecycle import ManagedNode
from dp_accel_ros.nodes.messages import chunk_to_msg
from dp_accel_ros.nodes.policy_config import PARAMETERS, PolicyNodeConfig
from dp_accel_ros.nodes.policy_parts import JOINTS, PolicyParts, assemble
from dp_accel_ros.nodes.process import run
from dp_accel_ros.nodes.realtime import be_nice
from dp_accel_ros.nodes.speculation_values import speculation_values
from dp_accel_ros.nodes.worker import Worker
from dp_accel_ros.predict.methods import METHOD_CONFIGS, Method, MethodConfig


class PolicyNode(ManagedNode):
    """Keeps a window of what the sensors saw and predicts from it in a thread of its own.

    Images fill the window and wake the thread; their callbacks run in the executor's thread, as do
    transitions. Joint states and decisions wait until somebody needs them. Nothing is locked while
    networks run.
    """

    def __init__(self) -> None:
        super().__init__("policy_node")
        for prefix, config_class in PARAMETERS.items():
            of_method = prefix in METHOD_CONFIGS
            self.declared.declare(
                config_class,
                prefix,
                check=partial(self._check_method, prefix) if of_method else self._check_own,
                on_change=partial(self._update_method, prefix) if of_method else None,
            )
        self._parts: PolicyParts | None = None
        self._worker: Worker | None = None
        self._decisions = DecisionWatch()
        self._inboxes: list[Callable[[], None]] = []
        self._warned = False
        self._death = ""
        self._made: Inference | None = None

    @property
    def _config(self) -> PolicyNodeConfig:
        return self.declared.get()

    def set_up(self) -> None:
        """Load and warm up the policy, then connect it."""
        be_nice(self._config.nice)
        methods = {name: self.declared.get(name) for name in METHOD_CONFIGS}
        parts = assemble(self._config, self.declared.get("backend"), methods)
        self._parts, self._death = parts, ""
        warm = ", ".join(f"{name} {1e3 * took:.1f} ms" for name, took in parts.warm_s.items())
        self.get_logger().info(f"policy for {parts.manifest.task!r} is warm: {warm}")
        self._worker = worker = Worker("inference", self._infer, self._on_death)
        made = self.entities
        self._chunks = made.publisher(JointTrajectory, "policy/action_chunk")
        self._inferences = made.publisher(DiagnosticArray, INFERENCE)
        self._diagnostics = made.diagnostics(DiagnosticArray)
        self._intake = Intake(parts, self.now_ns, worker.wake, self.get_logger().error)
        self._listen(parts, self._intake)
        made.serve(Trigger, "~/reset", self._on_reset)
        made.every(1.0, self._report, ros_time=False)
        made.on_time_back(partial(self._reset, "time went back"))

    def _listen(self, parts: PolicyParts, intake: Intake) -> None:
        """Subscribe to the sensors and to the scheduler's decisions."""
        made, config = self.entities, self._config
        self._inboxes = [
            made.collect(JointState, JOINTS, intake.joints, reliable=False),
            made.collect(DiagnosticArray, DECISION, self._on_decision, reliable=True),
        ]
        if parts.manifest.state:
            made.sense(JointState, config.state_topic, self._after_inboxes(intake.state))
        image = CompressedImage if config.use_compressed else Image
        for camera in parts.manifest.camera_names:
            take = self._after_inboxes(partial(intake.image, camera))
            made.sense(image, config.camera_topic(camera), take)

    def begin(self) -> None:
        """Predict from what is seen from now on."""
        self._reset("activated")
        if self._worker is not None:
            self._worker.start()

    def end(self) -> None:
        """Predict no more; the scheduler holds once the last chunk has run out."""
        if self._worker is not None and not self._worker.stop():
            self.get_logger().error("the prediction at hand does not end; its chunk is lost")

    def take_down(self) -> None:
        """Free the policy."""
        self._worker = self._parts = None
        self._inboxes = []

    def _empty_inboxes(self) -> None:
        """Take joint states and decisions: whoever is about to need them calls this."""
        for empty in self._inboxes:
            empty()

    def _after_inboxes(self, take: Callable[[Any], None]) -> Callable[[Any], None]:
        """Return `take` so that it finds the joints that were measured before its message.

        A slow method must not keep them waiting: a driver at 1 kHz fills an inbox in 0.2 s.
        """

        def first_joints_then(msg: Any) -> None:
            self._empty_inboxes()
            take(msg)

        return first_joints_then

    def _on_decision(self, msg: Any) -> None:
        """Take what the scheduler asks for."""
        try:
            heard = heard_from(msg)
        except DpAccelError as error:
            self.get_logger().warning(f"{DECISION}: {error}", throttle_duration_sec=5.0)
            return
        if self._decisions.hear(heard):
            self.get_logger().info(f"{DECISION} {heard.chooser}: {heard.decision}")

    def _on_reset(self, request: Any, response: Any) -> Any:
        """Serve `~/reset`: the world was reset, so forget what was seen."""
        del request
        self._reset("asked for")
        response.success = True
        response.message = "" if self._parts is None else f"epoch {self._parts.loop.epoch}"
        return response

    def _reset(self, reason: str) -> None:
        if self._parts is not None:
            self._empty_inboxes()
            self._made = None
            self._parts.reset(self.now_ns())
            self.get_logger().info(f"reset ({reason}): epoch {self._parts.loop.epoch}")

    def _check_own(self, config: object) -> None:
        if self._parts is not None and isinstance(config, PolicyNodeConfig):
            self._parts.methods.chosen(config.method)

    def _check_method(self, name: str, config: MethodConfig) -> None:
        if self._parts is not None:
            self._parts.methods.check(name, config)

    def _update_method(self, name: str, config: MethodConfig) -> None:
        if self._parts is not None:
            self._parts.methods.update(name, config)

    def _infer(self) -> None:
        """Predict if an observation is due; runs in the inference thread."""
        parts = self._parts
        if parts is None:
            return
        self._empty_inboxes()
        steps = self._config.replan_steps or parts.manifest.n_action_steps
        method, lack = self._choice(parts)
        try:
            outcome = parts.loop.step(
                self.now_ns(), method, steps, self._config.max_observation_age_s
            )
        except DpAccelError as error:
            parts.record.add_error(str(error))
            self.get_logger().error(f"no chunk: {error}", throttle_duration_sec=1.0)
            return
        if isinstance(outcome, Idle):
            parts.record.add_idle(outcome)
            self._say_again(parts)
            return
        self._made = outcome
        self._publish(parts, outcome)
        if self._decisions.note(lack):
            text = f"{DECISION}: {lack}; the parameters apply"
            self.get_logger().warning(text, throttle_duration_sec=1.0)
        age_ms = (self.now_ns() - outcome.prediction.chunk.stamp_ns) / 1e6
        parts.record.add(outcome, age_ms, deadline_ms=1e3 * steps * parts.manifest.dt)

    def _choice(self, parts: PolicyParts) -> tuple[Method, str]:
        """Return the method for a chunk that is made now, and what was not decided about it."""
        own = self._config.method
        if not self._config.obey_scheduler:
            return parts.methods.chosen(own), ""
        return self._decisions.choice(parts.methods, own, self.now_ns(), parts.manifest.dt)

    def _publish(self, parts: PolicyParts, made: Inference) -> None:
        chunk, cost = made.prediction.chunk, made.prediction.cost
        n_levels = parts.manifest.schedule.num_train_timesteps
        values = inference_values(cost, made.epoch, made.sequence, made.seed)
        values |= speculation_values(made.prediction, n_levels)
        told = status(INFERENCE, WARN if self._distorts(cost) else OK, cost.exactness, values)
        # before the chunk: the scheduler follows a chunk only once it knows what it is
        self._inferences.publish(array_of(chunk.stamp_ns, [told]))
        self._chunks.publish(chunk_to_msg(chunk, parts.manifest.joint_names))

    def _distorts(self, cost: Cost) -> bool:
        """Say whether a chunk was drawn from another law than it should be, and log the first."""
        before, self._warned = self._warned, cost.exactness.startswith("NOT")
        if self._warned and not before:
            self.get_logger().warning(f"{cost.method}: {cost.exactness}")
        return self._warned

    def _say_again(self, parts: PolicyParts) -> None:
        """Publish the last chunk once more if what it was made from is shown once more.

        A simulation in lockstep shows a tick again when nobody moved: the chunk was sent before
        the scheduler listened, and without it time would stand still for ever.
        """
        made = self._made
        if made is None or made.epoch != parts.loop.epoch:
            return
        if self._intake.was_shown_again(made.prediction.chunk.stamp_ns):
            self._publish(parts, made)

    def _on_death(self, death: str) -> None:
        self._death = death.splitlines()[-1]
        self.get_logger().fatal(f"the inference thread ended; no more chunks:\n{death}")

    def _report(self) -> None:
        """Publish diagnostics."""
        parts = self._parts
        if parts is None:
            return
        self._empty_inboxes()
        now_ns, name = self.now_ns(), self.get_name()
        backend = self.declared.get("backend")
        about = {
            "method": self._choice(parts)[0].name,
            "provider": backend.provider,
            "runtime": backend.runtime,
            "task": parts.manifest.task,
            "epoch": parts.loop.epoch,
        }
        streams = {key: stream.report(now_ns) for key, stream in parts.streams.items()}
        facts = parts.record.report(time.monotonic())
        statuses = [
            policy_report.inference_status(
                name, facts, active=self._chunks.is_activated, death=self._death, about=about
            ),
            policy_report.streams_status(name, streams, self._config.max_observation_age_s),
            self._decisions.status(
                name, now_ns, parts.manifest.dt, obeys=self._config.obey_scheduler
            ),
        ]
        self._diagnostics.publish(array_of(now_ns, statuses))


def main(args: list[str] | None = None) -> None:
    """Run the node until it is told to stop."""
    run(PolicyNode, args)


if __name__ == "__main__":
    main()
