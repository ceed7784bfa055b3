# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from dp_accel_ros.config import param
from dp_accel_ros.nodes import policy_config, scheduler_config
from dp_accel_ros.nodes.param_files import document_text, rows, table_text, yaml_text

CONFIG = Path(__file__).resolve().parents[2] / "config"
NODES = {
    "policy_node": policy_config.PARAMETERS,
    "scheduler_node": scheduler_config.PARAMETERS,
}


@dataclass(frozen=True)
class Settings:
    kind: str = param("", "Which one.", one_of=("", "fast"), live=True)
    steps: int = param(16, "How many.", minimum=1)


@pytest.mark.parametrize("node", NODES)
def test_the_file_in_config_holds_every_parameter_with_its_default(node):
    written = (CONFIG / f"{node}.yaml").read_text(encoding="utf-8")
    assert written == yaml_text(node, NODES[node]), "run `python tools/write_config.py`"


def test_the_file_of_the_simulated_robot_and_the_documentation_are_in_step_too():
    pytest.importorskip("mujoco")
    from dp_accel_ros.sim.node_config import SimConfig

    written = (CONFIG / "sim_node.yaml").read_text(encoding="utf-8")
    assert written == yaml_text("sim_node", {"": SimConfig}), "run `python tools/write_config.py`"
    page = (CONFIG.parent / "docs" / "parameters.md").read_text(encoding="utf-8")
    assert page == document_text({**NODES, "sim_node": {"": SimConfig}}), "run that program"


def test_a_parameter_file_says_all_that_is_known():
    text = yaml_text("node", {"solver": Settings})
    assert "# Which one. [one of '', fast; live]" in text
    assert "# How many. [at least 1]" in text
    parsed = yaml.safe_load(text)["/**"]["ros__parameters"]
    assert parsed == {"solver": {"kind": "", "steps": 16}}


def test_the_table_has_a_row_for_each_parameter():
    lines = table_text({"solver": Settings}).splitlines()
    assert lines[2] == "| `solver.kind` | `''` | one of '', fast | yes | Which one. |"
    assert lines[3] == "| `solver.steps` | `16` | at least 1 |  | How many. |"


@pytest.mark.parametrize("node", NODES)
def test_every_parameter_has_help(node):
    assert all(row.facts.help.endswith((".", ")", "`")) for row in rows(NODES[node]))


def test_the_example_for_the_controller_sets_what_we_need():
    document = yaml.safe_load((CONFIG / "controllers.yaml").read_text(encoding="utf-8"))
    needed = document["joint_trajectory_controller"]["ros__parameters"]
    assert needed["interpolate_from_desired_state"] is True
    assert needed["allow_nonzero_velocity_at_trajectory_end"] is True


@pytest.mark.ros
@pytest.mark.parametrize("node", NODES)
def test_ros_reads_the_file_as_the_defaults(node, monkeypatch):
    pytest.importorskip("rclpy")
    import rclpy
    from rclpy.context import Context
    from rclpy.node import Node

    from dp_accel_ros.nodes.params import Parameters

    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    context = Context()
    args = ["--ros-args", "--params-file", str(CONFIG / f"{node}.yaml")]
    rclpy.init(context=context, args=args, domain_id=43)
    made = Node(node, context=context)
    parameters = Parameters(made)
    read = {prefix: parameters.declare(kind, prefix) for prefix, kind in NODES[node].items()}
    assert read == {prefix: kind() for prefix, kind in NODES[node].items()}
    made.destroy_node()
    rclpy.shutdown(context=context)
