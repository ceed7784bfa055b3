# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Every bundle in `models` under the nodes: its task, and each of its methods, switched live."""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")
pytest.importorskip("gym_pusht", reason="Push-T needs gym-pusht")
pytest.importorskip("onnxruntime")

from diagnostic_msgs.msg import DiagnosticArray
from ros_process import Listener, start
from trajectory_msgs.msg import JointTrajectory

from dp_accel_ros.bundle import load_bundle
from dp_accel_ros.evaluate.demo.child import stop_all
from dp_accel_ros.nodes.diagnostics import INFERENCE, values_in
from dp_accel_ros.predict.methods import METHOD_CONFIGS

pytestmark = [pytest.mark.ros, pytest.mark.slow]
BUNDLES = sorted(path.parent for path in Path(__file__).parents[2].glob("models/*/manifest.yaml"))
DOMAIN = 20 + os.getpid() % 10
NEEDS = {
    "ragdp": "retrieval",
    "alt": "retrieval",
    "redi": "knowledge",
    "heun": "edm",
    "consistency": "consistency",
}
"""Method to the optional section of a bundle that it cannot do without; the others need none."""


def senses(path):
    """Return what the policy of a bundle can observe, what it was made for first."""
    return ("auto", "pixels") if load_bundle(path).manifest.estimator else ("auto",)


def runtimes(path):
    """Return what a bundle's denoisers are run on; one bundle shows that PyTorch does it too."""
    with_torch = path.name == "block_push" and find_spec("torch") and find_spec("onnx")
    return ("onnx", "torch") if with_torch else ("onnx",)


ROBOTS = [(p, observe, run) for p in BUNDLES for observe in senses(p) for run in runtimes(p)]


@pytest.fixture(scope="module", params=ROBOTS, ids=lambda it: f"{it[0].name}-{it[1]}-{it[2]}")
def case(request):
    return request.param


@pytest.fixture(scope="module")
def bundle(case):
    return load_bundle(case[0]).observed_by(case[1])


@pytest.fixture(scope="module")
def robot(case, bundle, tmp_path_factory):
    """Listen to a simulated robot under both nodes; all of them must end cleanly."""
    folder = tmp_path_factory.mktemp(bundle.manifest.task)
    # a node that has just ended is still known by its name, so the next bundle has another domain
    domain = DOMAIN + 100 * (ROBOTS.index(case) % 2)
    listener = Listener(domain)
    listener.listen(DiagnosticArray, INFERENCE)
    listener.listen(JointTrajectory, "joint_trajectory")
    # a machine that does many other things delays messages, and that is not what is tested
    patient = {"max_observation_age_s": 5.0, "nice": 0, "method": "ddim"}
    patient["backend.runtime"] = case[2]
    nodes = [
        start("sim_node", domain, folder, task=bundle.manifest.task),
        start("policy_node", domain, folder, bundle=bundle.path, observe=case[1], **patient),
        start(
            "scheduler_node",
            domain,
            folder,
            bundle=bundle.path,
            **{"execution.joint_timeout_s": 5.0},
        ),
    ]
    try:
        listener.until(lambda: method_of(listener) or any(n.exit_code is not None for n in nodes))
        yield listener
    finally:
        listener.close()
        stop_all(nodes)
    assert [node.exit_code for node in nodes] == [0, 0, 0], nodes[1].tail()


def method_of(listener):
    """Return the method of the newest chunk."""
    heard = listener.heard[INFERENCE]
    return values_in(heard[-1], INFERENCE)["method"] if heard else ""


@pytest.mark.parametrize("method", sorted(METHOD_CONFIGS))
def test_a_method_is_switched_to_live_or_refused_with_the_reason(bundle, robot, method):
    needed = NEEDS.get(method)
    answer = robot.set("policy_node", method=method)[0]
    if needed is not None and getattr(bundle.manifest, needed) is None:
        assert not answer.successful
        assert method in answer.reason
        return
    assert answer.successful, answer.reason
    robot.until(lambda: method_of(robot) == method)
    robot.messages("joint_trajectory", 5)
