# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The nodes as the processes that a robot runs, around the simulated arm."""

import os
import signal

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")
pytest.importorskip("onnxruntime")

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from ros_process import Listener, start
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from dp_accel_ros.evaluate.demo.child import stop_all
from dp_accel_ros.nodes.diagnostics import INFERENCE, values_in
from dp_accel_ros.nodes.messages import stamp_to_ns

pytestmark = [pytest.mark.ros, pytest.mark.slow]
DOMAIN = 40 + os.getpid() % 20
# a machine that does many other things delays messages, and that is not what is tested
PATIENT = {"max_observation_age_s": 2.0, "nice": 0}
PATIENT_ARM = {"execution.joint_timeout_s": 5.0}


class Arm(Listener):
    """Listens to everything that the nodes say."""

    def __init__(self, domain):
        super().__init__(domain)
        self.listen(JointTrajectory, "joint_trajectory")
        self.listen(JointTrajectory, "policy/action_chunk")
        self.listen(DiagnosticArray, INFERENCE)
        self.listen(DiagnosticArray, "/diagnostics")

    def inference(self):
        """Return what the newest chunk said of itself."""
        heard = self.heard[INFERENCE]
        return values_in(heard[-1], INFERENCE) if heard else {}

    def status(self, name):
        """Return the newest status with a name, or None."""
        newest = [
            one for msg in self.heard["/diagnostics"] for one in msg.status if one.name == name
        ]
        return newest[-1] if newest else None

    def says(self, name, words):
        """Say whether the newest status with a name contains some words."""
        status = self.status(name)
        return status is not None and words in status.message

    def follows(self):
        """Say whether the last command goes through a chunk."""
        heard = self.heard["joint_trajectory"]
        return bool(heard) and len(heard[-1].points) > 4

    def change(self, node, transition):
        """Ask for a lifecycle transition."""
        request = ChangeState.Request(transition=Transition(id=transition))
        return self.call(ChangeState, f"{node}/change_state", request).success


@pytest.fixture(scope="module")
def arm():
    made = Arm(DOMAIN)
    yield made
    made.close()


@pytest.fixture(scope="module")
def nodes(arm, tiny_bundle, tmp_path_factory):
    """Run the simulated arm and the two nodes; they must end cleanly."""
    folder, bundle = tmp_path_factory.mktemp("nodes"), tiny_bundle.path
    running = {
        "sim": start("sim_node", DOMAIN, folder),
        "policy": start("policy_node", DOMAIN, folder, bundle=bundle, **PATIENT),
        "scheduler": start("scheduler_node", DOMAIN, folder, bundle=bundle, **PATIENT_ARM),
    }
    try:
        arm.until(lambda: arm.follows() or any(c.exit_code is not None for c in running.values()))
        yield running
    finally:
        stop_all(list(running.values()))
    ends = {name: child.exit_code for name, child in running.items()}
    assert ends == {"sim": 0, "policy": 0, "scheduler": 0}, running["policy"].tail()


def test_an_episode_runs(arm, nodes):
    arm.until(lambda: int(arm.inference().get("sequence", -1)) >= 3)
    values = arm.inference()
    assert (values["method"], values["nfe"]) == ("ragdp", "2")
    assert float(values["total_ms"]) > 0
    assert values["match"]


def test_a_chunk_and_its_inference_have_the_observations_stamp(arm, nodes):
    arm.messages("policy/action_chunk", 3)
    stamps = {stamp_to_ns(msg.header.stamp) for msg in arm.heard["policy/action_chunk"]}
    told = {stamp_to_ns(msg.header.stamp) for msg in arm.heard[INFERENCE]}
    assert len(stamps & told) >= len(stamps) - 1


def test_every_command_starts_at_its_stamp_and_ends_at_rest(arm, nodes):
    for msg in arm.messages("joint_trajectory", 25):
        assert stamp_to_ns(msg.points[0].time_from_start) == 0
        assert not any(msg.points[-1].velocities)
        times = [stamp_to_ns(point.time_from_start) for point in msg.points]
        assert (np.diff(times) > 0).all()


def test_the_method_is_switched_live(arm, nodes):
    assert arm.set("policy_node", method="alt")[0].successful
    arm.until(lambda: arm.inference()["method"] == "alt")
    assert arm.set("policy_node", method="ragdp")[0].successful
    arm.until(lambda: arm.inference()["method"] == "ragdp")


def test_a_setting_of_a_method_is_changed_live(arm, nodes):
    assert arm.set("policy_node", **{"ragdp.leap_ratio": 0.75})[0].successful
    arm.until(lambda: arm.inference()["nfe"] == "5")
    assert arm.set("policy_node", **{"ragdp.leap_ratio": 0.9})[0].successful


def test_speculation_tells_what_it_did_and_warns_when_it_distorts_the_law(arm, nodes):
    asked = {"method": "tsdp", "tsdp.accept": "threshold"}
    assert all(one.successful for one in arm.set("policy_node", **asked))
    arm.until(lambda: "NOT the law of the base" in arm.inference()["exactness"])
    values = arm.inference()
    assert 1 <= int(values["rounds"]) <= int(values["steps"]) == 100
    assert int(values["rows"]) == int(values["nfe"])
    assert len(values["acceptance_by_stage"].split()) == 3
    arm.until(lambda: "tsdp: NOT the law of the base" in nodes["policy"].log.read_text())
    asked = {"method": "ragdp", "tsdp.accept": "exact"}
    assert all(one.successful for one in arm.set("policy_node", **asked))
    arm.until(lambda: arm.inference()["rounds"] == "")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("method", "altt", "`method` must be one of ddpm, ddim"),
        ("ragdp.leap_ratio", 2.0, "out of range"),
        ("ragdp.neighbours", 500, "`neighbours` must be at most 90"),
        ("bundle", "/tmp", "read-only"),
    ],
)
def test_a_wrong_value_is_refused_with_the_reason(arm, nodes, name, value, reason):
    result = arm.set("policy_node", **{name: value})[0]
    assert not result.successful
    assert reason in result.reason


def test_the_policy_obeys_the_scheduler(arm, nodes):
    asked = {"decision.method": "ddim", "decision.settings": "num_inference_steps=4"}
    assert all(one.successful for one in arm.set("scheduler_node", **asked))
    arm.until(lambda: (arm.inference()["method"], arm.inference()["nfe"]) == ("ddim", "4"))
    own = {"decision.method": "", "decision.settings": ""}
    assert all(one.successful for one in arm.set("scheduler_node", **own))
    arm.until(lambda: arm.inference()["method"] == "ragdp")


def test_a_killed_camera_leads_to_a_hold_and_is_named(arm, nodes):
    arm.set("sim_node", publish_front=False)
    arm.until(lambda: arm.says("scheduler_node: control", "holding: chunk exhausted"))
    arm.until(lambda: arm.says("policy_node: streams", "front is stale"))
    held = arm.messages("joint_trajectory", 5)
    assert not any(np.any(point.velocities) for msg in held for point in msg.points)
    arm.set("sim_node", publish_front=True)
    arm.until(arm.follows)


def test_a_reset_starts_a_new_epoch(arm, nodes):
    before = int(arm.inference()["epoch"])
    assert arm.call(Trigger, "policy_node/reset").success
    assert arm.call(Trigger, "scheduler_node/reset").success
    arm.until(lambda: int(arm.inference()["epoch"]) > before and arm.follows())


def test_a_deactivated_policy_lets_the_arm_hold(arm, nodes):
    assert arm.change("policy_node", Transition.TRANSITION_DEACTIVATE)
    arm.until(lambda: arm.says("scheduler_node: control", "holding"))
    assert arm.change("policy_node", Transition.TRANSITION_ACTIVATE)
    arm.until(arm.follows)


def test_a_node_can_be_cleaned_up_and_configured_again(arm, nodes):
    for step in ("DEACTIVATE", "CLEANUP", "CONFIGURE", "ACTIVATE"):
        assert arm.change("policy_node", getattr(Transition, f"TRANSITION_{step}")), step
        assert arm.change("scheduler_node", getattr(Transition, f"TRANSITION_{step}")), step
    arm.until(arm.follows)


def test_the_last_command_of_a_scheduler_brings_the_arm_to_rest(arm, nodes):
    arm.until(arm.follows)
    assert arm.change("scheduler_node", Transition.TRANSITION_DEACTIVATE)
    arm.until(lambda: not arm.follows())
    last = arm.heard["joint_trajectory"][-1]
    assert stamp_to_ns(last.points[-1].time_from_start) <= 250_000_000
    assert arm.change("scheduler_node", Transition.TRANSITION_ACTIVATE)
    arm.until(arm.follows)


def test_a_policy_that_dies_lets_the_arm_hold(arm, nodes):
    os.kill(nodes["policy"].pid, signal.SIGTERM)
    arm.until(lambda: nodes["policy"].exit_code == 0)
    arm.until(lambda: arm.says("scheduler_node: control", "holding: chunk exhausted"))


@pytest.mark.parametrize("node", ["policy_node", "scheduler_node"])
def test_a_bad_bundle_ends_a_node_that_starts_itself(arm, tmp_path, node):
    child = start(node, DOMAIN, tmp_path, bundle=tmp_path)
    arm.until(lambda: child.exit_code is not None)
    assert child.exit_code == 1
    assert "cannot configure" in child.log.read_text()
    assert "expected a bundle with manifest.yaml" in child.log.read_text()


def test_a_bad_bundle_fails_configure_and_leaves_the_node_alive(arm, tmp_path):
    child = start("policy_node", DOMAIN, tmp_path, bundle=tmp_path, autostart="false")
    assert not arm.change("policy_node", Transition.TRANSITION_CONFIGURE)
    assert child.exit_code is None
    stop_all([child])
    assert child.exit_code == 0


def test_a_wrong_value_at_the_start_ends_the_node_with_the_reason(arm, tmp_path):
    child = start("policy_node", DOMAIN, tmp_path, method="altt")
    arm.until(lambda: child.exit_code is not None)
    assert child.exit_code == 1
    assert "`method` must be one of ddpm, ddim" in child.log.read_text()
