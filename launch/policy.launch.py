# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Start policy_node and scheduler_node for an arm that is already there.

ros2 launch dp_accel_ros policy.launch.py bundle:=/path/to/bundle method:=ragdp \
    joint_trajectory:=joint_trajectory_controller/joint_trajectory
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from dp_accel_ros.nodes.launch_arguments import given, refuse_wrong, truth

ARGUMENTS = {
    "bundle": (None, "Folder of the bundle that holds the policy."),
    "method": ("", "How chunks are made. Empty: as the parameter file says."),
    "observe": ("", "`pixels` or `state`. Empty: as the parameter file says."),
    "namespace": ("", "Namespace of the nodes and of every topic but /diagnostics."),
    "use_sim_time": ("false", "Take time from /clock."),
    "params_file": ("", "Parameters in place of those in config/; it may be for both nodes."),
    "joint_trajectory": ("joint_trajectory", "Topic on which the arm is commanded."),
    "joint_states": ("joint_states", "Topic on which the arm is measured."),
}


def start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the nodes, or refuse the arguments before anything runs."""
    value = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    refuse_wrong(value["bundle"], value["method"], value["params_file"], value["observe"])
    config = Path(get_package_share_directory("dp_accel_ros")) / "config"
    files = [value["params_file"]] if value["params_file"] else []
    shared = {
        "bundle": value["bundle"],
        "use_sim_time": truth("use_sim_time", value["use_sim_time"]),
    }
    names = [(name, value[name]) for name in ("joint_trajectory", "joint_states")]
    return [
        Node(
            package="dp_accel_ros",
            executable="policy_node",
            namespace=value["namespace"],
            parameters=[
                str(config / "policy_node.yaml"),
                *files,
                {**shared, **given({name: value[name] for name in ("method", "observe")})},
            ],
            remappings=names,
            output="screen",
        ),
        Node(
            package="dp_accel_ros",
            executable="scheduler_node",
            namespace=value["namespace"],
            parameters=[str(config / "scheduler_node.yaml"), *files, shared],
            remappings=names,
            output="screen",
            on_exit=Shutdown(reason="nobody commands the arm"),
        ),
    ]


def generate_launch_description() -> LaunchDescription:
    """Return what `ros2 launch` runs."""
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=text)
        for name, (default, text) in ARGUMENTS.items()
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=start)])
