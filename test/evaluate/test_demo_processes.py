# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import json
import os
import signal
import subprocess
import sys

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")

from dp_accel_ros.evaluate.demo.child import Child, stop_all

pytestmark = [pytest.mark.ros, pytest.mark.slow]
DOMAIN = 80 + os.getpid() % 10


def demo(tmp_path, tiny_bundle, *options: str) -> Child:
    arguments = ["--bundle", str(tiny_bundle.path), "--out", str(tmp_path), "--method", "alt"]
    command = [sys.executable, "-m", "dp_accel_ros.cli.main", "demo", *arguments, *options]
    return Child("demo", [*command, "--domain", str(DOMAIN)], tmp_path, os.environ)


def running_nodes(tmp_path) -> str:
    """Return what is left of the demo in the process table; its folder is in every command."""
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    lines = listing.stdout.splitlines()
    return "\n".join(
        line for line in lines if "dp_accel_ros.nodes" in line and str(tmp_path) in line
    )


def test_one_command_runs_an_episode_and_leaves_its_folder(tmp_path, tiny_bundle):
    child = demo(tmp_path, tiny_bundle, "--episodes", "1", "--film-episodes", "0")
    assert child.wait(180)
    assert child.exit_code == 0, child.tail()
    summary = json.loads((tmp_path / "summary.json").read_text())
    told = summary["inference"]
    assert list(told["methods"]) == ["alt"]
    assert told["methods"]["alt"] == told["chunks"] > 0
    assert summary["joint_trajectory"]["period_error_at_the_publisher"]["n"] > 50
    assert {"latency.png", "joints.png"} <= {path.name for path in tmp_path.iterdir()}


def test_ctrl_c_stops_every_process_and_still_leaves_a_summary(tmp_path, tiny_bundle):
    child = demo(tmp_path, tiny_bundle, "--minutes", "5")
    while "running" not in child.tail():
        child.check()
    child.signal(signal.SIGINT)
    assert child.wait(60)
    assert child.exit_code == 130, child.tail()
    assert not running_nodes(tmp_path)
    assert json.loads((tmp_path / "summary.json").read_text())["ended"] == "interrupted"


def test_a_bundle_that_no_node_can_load_ends_with_its_log(tmp_path, tiny_bundle):
    child = demo(tmp_path, tiny_bundle, "--set", "hysteresis_margin=-3")
    assert child.wait(60)
    assert child.exit_code == 2
    assert "hysteresis_margin" in child.tail()
    stop_all([child])
