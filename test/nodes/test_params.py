# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
from dataclasses import dataclass

import pytest

pytest.importorskip("rclpy")
import rclpy
from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import Parameter

from dp_accel_ros import config
from dp_accel_ros.config import param
from dp_accel_ros.errors import ConfigError
from dp_accel_ros.nodes.params import Parameters

pytestmark = pytest.mark.ros


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of a test."""

    kind: str = param("slow", "Which one.", one_of=("slow", "fast"), live=True)
    steps: int = param(16, "How many.", minimum=1, maximum=100, live=True)
    ratio: float = param(0.5, "How much.", minimum=0.0, maximum=1.0, live=True)
    path: str = param("", "Where.")

    def __post_init__(self) -> None:
        config.check(self)


@pytest.fixture
def node(monkeypatch):
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    context = Context()
    rclpy.init(context=context, args=["--ros-args", "-p", "from_file.steps:=5"], domain_id=41)
    made = Node("parameters_under_test", context=context)
    yield made
    made.destroy_node()
    rclpy.shutdown(context=context)


def set_one(node, name, value):
    return node.set_parameters([Parameter(name, value=value)])[0]


def test_a_config_is_declared_with_its_defaults(node):
    assert Parameters(node).declare(Settings, "solver") == Settings()
    assert node.get_parameter("solver.steps").value == 16


def test_values_from_outside_take_the_place_of_defaults(node):
    assert Parameters(node).declare(Settings, "from_file").steps == 5


def test_a_parameter_is_described_with_help_range_and_choices(node):
    Parameters(node).declare(Settings, "solver")
    steps = node.describe_parameter("solver.steps")
    assert steps.description == "How many."
    assert (steps.integer_range[0].from_value, steps.integer_range[0].to_value) == (1, 100)
    assert node.describe_parameter("solver.kind").additional_constraints == "one of slow, fast"
    assert node.describe_parameter("solver.ratio").floating_point_range[0].to_value == 1.0


def test_a_live_parameter_changes_the_config_and_says_so(node):
    seen, parameters = [], Parameters(node)
    parameters.declare(Settings, "solver", on_change=seen.append)
    assert set_one(node, "solver.steps", 20).successful
    assert parameters.get("solver") == Settings(steps=20)
    assert seen == [Settings(steps=20)]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("solver.kind", "medium", "`solver.kind` must be one of slow, fast, got 'medium'"),
        ("solver.steps", 0, "out of range"),
        ("solver.steps", "many", "Wrong parameter type"),
        ("solver.path", "/tmp", "read-only parameter: solver.path"),
    ],
)
def test_a_wrong_value_is_refused_with_the_reason(node, name, value, reason):
    parameters = Parameters(node)
    parameters.declare(Settings, "solver")
    result = set_one(node, name, value)
    assert not result.successful
    assert reason in result.reason
    assert parameters.get("solver") == Settings()


def test_a_check_can_refuse_what_the_range_allows(node):
    def refuse(settings):
        raise ConfigError(f"no {settings.steps} today")

    parameters = Parameters(node)
    parameters.declare(Settings, "solver", check=refuse)
    assert set_one(node, "solver.steps", 7).reason == "no 7 today"
    assert parameters.get("solver").steps == 16


def test_parameters_set_together_are_checked_together(node):
    parameters = Parameters(node)
    parameters.declare(Settings, "solver")
    both = [Parameter("solver.steps", value=3), Parameter("solver.kind", value="medium")]
    assert not node.set_parameters_atomically(both).successful
    assert parameters.get("solver").steps == 16


@pytest.mark.parametrize(("value", "reason"), [("500", "out of range"), ("text", "INTEGER")])
def test_a_wrong_value_from_a_file_stops_the_node_with_the_reason(value, reason):
    context = Context()
    rclpy.init(context=context, args=["--ros-args", "-p", f"steps:={value}"], domain_id=41)
    node = Node("wrongly_started", context=context)
    with pytest.raises(ConfigError, match=f"parameter `steps`: .*{reason}"):
        Parameters(node).declare(Settings)
    node.destroy_node()
    rclpy.shutdown(context=context)
