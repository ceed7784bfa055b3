# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Start a simulated arm, policy_node and scheduler_node.

ros2 launch dp_accel_ros demo.launch.py method:=alt
ros2 service call /sim_node/reset std_srvs/srv/Trigger
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from dp_accel_ros.nodes.launch_arguments import given, refuse_wrong, truth

SHARE = Path(get_package_share_directory("dp_accel_ros"))

ARGUMENTS = {
    "bundle": (str(SHARE / "models" / "lift"), "Folder of the bundle that holds the policy."),
    "method": ("", "How chunks are made. Empty: as the parameter file says."),
    "observe": ("", "`pixels` or `state`. Empty: as the parameter file says."),
    "task": ("", "Task of the simulation. Empty: as the parameter file says."),
    "namespace": ("", "Namespace of the nodes and of every topic but /diagnostics and /clock."),
    "lockstep": ("false", "Let simulated time wait for the policy."),
    "params_file": ("", "Parameters in place of those in config/; it may be for all nodes."),
}


def start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the nodes, or refuse the arguments before anything runs."""
    value = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    refuse_wrong(value["bundle"], value["method"], value["params_file"], value["observe"])
    lockstep = truth("lockstep", value["lockstep"])
    parameters = {
        "sim_node": {"lockstep": lockstep, **given({"task": value["task"]})},
        "policy_node": {
            "bundle": value["bundle"],
            "use_sim_time": lockstep,
            **given({name: value[name] for name in ("method", "observe")}),
        },
        "scheduler_node": {
            "bundle": value["bundle"],
            "use_sim_time": lockstep,
            "lockstep": lockstep,
        },
    }
    files = [value["params_file"]] if value["params_file"] else []
    return [
        Node(
            package="dp_accel_ros",
            executable=name,
            namespace=value["namespace"],
            parameters=[str(SHARE / "config" / f"{name}.yaml"), *files, own],
            output="screen",
            on_exit=Shutdown(reason=f"{name} has ended"),
        )
        for name, own in parameters.items()
    ]


def generate_launch_description() -> LaunchDescription:
    """Return what `ros2 launch` runs."""
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=text)
        for name, (default, text) in ARGUMENTS.items()
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=start)])
