# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The launch files, where ROS's launch is installed: it comes with ROS, not with pip."""

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("launch", reason="ROS's launch is not installed")
pytest.importorskip("launch_ros", reason="ROS's launch_ros is not installed")
pytest.importorskip("mujoco")

from diagnostic_msgs.msg import DiagnosticArray
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from ros_process import Listener, environment
from trajectory_msgs.msg import JointTrajectory

pytestmark = pytest.mark.ros
ROOT = Path(__file__).resolve().parents[2]
DOMAIN = 40 + os.getpid() % 20


@pytest.fixture
def prefix(tmp_path, monkeypatch):
    """Install the package as colcon does, as far as launch looks at it."""
    share = tmp_path / "share"
    index = share / "ament_index" / "resource_index" / "packages"
    programs = tmp_path / "lib" / "dp_accel_ros"
    for folder in (index, programs, share / "dp_accel_ros"):
        folder.mkdir(parents=True)
    (index / "dp_accel_ros").touch()
    for folder in ("launch", "config"):
        shutil.copytree(ROOT / folder, share / "dp_accel_ros" / folder)
    for node in ("policy_node", "scheduler_node", "sim_node"):
        program = programs / node
        words = f'exec {sys.executable} -m dp_accel_ros.nodes.{node} "$@"'
        program.write_text(f"#!/bin/sh\n{words}\n")
        program.chmod(0o755)
    for key, value in environment(DOMAIN).items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "log"))
    return share / "dp_accel_ros" / "launch"


def service_for(launch_file, **arguments):
    source = PythonLaunchDescriptionSource(str(launch_file))
    included = IncludeLaunchDescription(source, launch_arguments=arguments.items())
    service = LaunchService(noninteractive=True)
    service.include_launch_description(LaunchDescription([included]))
    return service


def run_until(service, is_done, patience_s=60.0):
    """Run a launch in this thread's event loop until something is true; return its exit code."""
    import asyncio

    async def watched():
        task = asyncio.ensure_future(service.run_async())
        deadline = time.monotonic() + patience_s
        while not task.done() and not is_done() and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        if not task.done():
            await service.shutdown()
        return await task

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(watched())
    finally:
        loop.close()


def test_the_demo_launch_file_moves_the_arm_and_stops_cleanly(prefix, tiny_bundle):
    listener, followed = Listener(DOMAIN), []
    listener.listen(JointTrajectory, "joint_trajectory")
    listener.listen(DiagnosticArray, "policy/inference")

    def moves():
        listener._executor.spin_once(timeout_sec=0.0)
        followed[:] = [m for m in listener.heard["joint_trajectory"] if len(m.points) > 5]
        return len(followed) > 3

    service = service_for(prefix / "demo.launch.py", bundle=str(tiny_bundle.path), method="alt")
    assert run_until(service, moves) == 0
    assert len(followed) > 3
    listener.close()


def test_the_policy_launch_file_puts_an_arm_into_its_namespace(prefix, tiny_bundle):
    listener, seen = Listener(DOMAIN), set()
    expected = {("policy_node", "/left"), ("scheduler_node", "/left")}

    def both_are_there():
        seen.update(listener.node.get_node_names_and_namespaces())
        return expected <= seen

    service = service_for(
        prefix / "policy.launch.py", bundle=str(tiny_bundle.path), namespace="left"
    )
    run_until(service, both_are_there)
    assert expected <= seen
    listener.close()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"bundle": "/nowhere"}, "expected a bundle with manifest.yaml"),
        ({"method": "altt"}, "no method named 'altt'"),
        ({"params_file": "/nowhere.yaml"}, "there is no file /nowhere.yaml"),
        ({"use_sim_time": "maybe"}, "must be true or false"),
    ],
)
def test_wrong_arguments_are_refused_before_any_node_starts(
    prefix, tiny_bundle, caplog, arguments, complaint
):
    both = {"bundle": str(tiny_bundle.path), **arguments}
    assert service_for(prefix / "policy.launch.py", **both).run() == 1
    assert complaint in caplog.text
    assert "process started" not in caplog.text
