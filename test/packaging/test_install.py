# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""colcon and pip, each from a clean copy of the sources into a fresh place."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

NODES = ("policy_node", "scheduler_node", "sim_node")
EXECUTABLES = ("dp-accel", *NODES)


def run(*command: str | Path, **options) -> str:
    """Run a command and return what it printed; on failure the test shows it."""
    result = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **options,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


def has_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


@pytest.fixture(scope="session")
def colcon_prefix(clone: Path) -> Path:
    """The prefix of the package after `colcon build`."""
    for needed in ("colcon_core", "colcon_ros", "colcon_python_setup_py"):
        pytest.importorskip(needed)
    environ = {**os.environ, "COLCON_HOME": str(clone.parent / "colcon")}
    run(sys.executable, "-m", "colcon", "build", cwd=clone.parent, env=environ)
    return clone.parent / "install" / "dp_accel_ros"


@pytest.fixture(scope="session")
def pip_prefix(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh virtual environment with the package; the libraries are those of this one."""
    if not any(map(has_module, ("setuptools.command.bdist_wheel", "wheel"))):
        pytest.skip("setuptools is missing, or older than 70.1 and without wheel")
    prefix = tmp_path_factory.mktemp("venv")
    run(sys.executable, "-m", "venv", "--without-pip", prefix)
    libraries = sysconfig.get_path("purelib")
    inside = sysconfig.get_path("purelib", vars={"base": str(prefix)})
    (Path(inside) / "libraries.pth").write_text(f"{libraries}\n")
    pip = (sys.executable, "-m", "pip", "--python", prefix / "bin/python", "install")
    offline = ("--no-deps", "--no-index", "--no-build-isolation", "--ignore-installed")
    run(*pip, *offline, clone / "dp_accel_ros")
    return prefix


@pytest.mark.parametrize("name", EXECUTABLES)
def test_colcon_puts_an_executable_where_ros2_run_looks(colcon_prefix, name):
    assert os.access(colcon_prefix / "lib" / "dp_accel_ros" / name, os.X_OK)


def test_colcon_puts_every_data_file_into_the_share_folder(colcon_prefix, shared):
    folder = colcon_prefix / "share" / "dp_accel_ros"
    assert [name for name in shared if not (folder / name).is_file()] == []


def test_colcon_registers_the_package_in_the_ament_index(colcon_prefix):
    assert (colcon_prefix / "share/ament_index/resource_index/packages/dp_accel_ros").is_file()


def test_the_command_built_by_colcon_runs_in_the_sourced_workspace(colcon_prefix, tmp_path):
    setup = colcon_prefix.parent / "local_setup.sh"
    command = f'. "{setup}" && "{colcon_prefix}/lib/dp_accel_ros/dp-accel" --help'
    environ = {**os.environ, "COLCON_CURRENT_PREFIX": str(colcon_prefix.parent)}
    assert "VERB" in run("sh", "-c", command, cwd=tmp_path, env=environ)


@pytest.mark.parametrize("name", EXECUTABLES)
def test_pip_puts_an_executable_on_the_path(pip_prefix, name):
    assert os.access(pip_prefix / "bin" / name, os.X_OK)


def test_pip_puts_every_data_file_into_the_share_folder(pip_prefix, shared):
    folder = pip_prefix / "share" / "dp_accel_ros"
    assert [name for name in shared if not (folder / name).is_file()] == []


def test_the_command_installed_by_pip_runs_anywhere(pip_prefix, tmp_path):
    assert "VERB" in run(pip_prefix / "bin/dp-accel", "--help", cwd=tmp_path)


def test_the_package_installed_by_pip_finds_its_own_share_folder(pip_prefix, tmp_path):
    code = "from dp_accel_ros.share import share_folder; print(share_folder())"
    found = run(pip_prefix / "bin/python", "-c", code, cwd=tmp_path).strip()
    assert Path(found) == pip_prefix / "share" / "dp_accel_ros"


@pytest.mark.ros
@pytest.mark.parametrize("name", NODES)
def test_the_module_behind_a_node_executable_loads_after_pip_install(pip_prefix, tmp_path, name):
    pytest.importorskip("rclpy")
    code = f"from dp_accel_ros.nodes.{name} import main; assert callable(main)"
    run(pip_prefix / "bin/python", "-c", code, cwd=tmp_path)
