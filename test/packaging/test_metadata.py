# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ast
import re
import runpy
import sys
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

import dp_accel_ros

ROOT = Path(__file__).parents[2]
MANIFEST = ElementTree.parse(ROOT / "package.xml").getroot()
PIP_NAMES = {
    "python3-numpy": "numpy",
    "python3-opencv": "opencv-python-headless",
    "python3-pydantic": "pydantic",
    "python3-yaml": "PyYAML",
}
MESSAGES = ("_msgs", "_srvs", "_interfaces")
IMPORT_NAMES = {
    "cv2": "opencv-python-headless",
    "faiss": "faiss-cpu",
    "PIL": "pillow",
    "stable_baselines3": "stable-baselines3",
    "yaml": "PyYAML",
}
"""Import name to the name on the package index, where they differ."""
ROS_ALONE = {"launch", "launch_ros", "ament_index_python"}
"""What only a real ROS has."""


def pip_name(module: str) -> str:
    if module == "rclpy" or module.endswith(MESSAGES):
        return "ros-" + module.replace("_", "-")
    return IMPORT_NAMES.get(module, module)


@pytest.fixture(scope="module")
def setup_py() -> dict[str, Any]:
    """What setup.py passes to setup(), without running a build."""
    passed: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr("setuptools.setup", lambda **arguments: passed.update(arguments))
        runpy.run_path("setup.py")
    return passed


def text(tag: str) -> str:
    return (MANIFEST.findtext(tag) or "").strip()


def requirement_names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!~; ]", requirement)[0] for requirement in requirements}


@pytest.mark.parametrize("tag", ["name", "version", "description", "license", "maintainer"])
def test_setup_py_says_what_package_xml_says(setup_py, tag):
    assert setup_py[tag] == text(tag)


def test_setup_py_has_the_maintainers_address(setup_py):
    assert setup_py["maintainer_email"] == MANIFEST.find("maintainer").get("email")


def test_the_package_knows_its_released_version():
    assert dp_accel_ros.__version__ == text("version")


def test_the_citation_has_the_released_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == text("version")


def test_the_release_tool_finds_the_version_in_setup_py():
    assert len(re.findall(r"version=\"\d+\.\d+\.\d+\",", (ROOT / "setup.py").read_text())) == 1


def test_rosdep_and_pip_install_the_same_libraries(setup_py):
    keys = {node.text for node in MANIFEST.iter("exec_depend") if "python3-" in node.text}
    assert {PIP_NAMES[key] for key in keys} == requirement_names(setup_py["install_requires"])


def test_the_pip_ros_has_every_message_package_of_package_xml(setup_py):
    wanted = {node.text for node in MANIFEST.iter("exec_depend") if node.text.endswith(MESSAGES)}
    offered = requirement_names(setup_py["extras_require"]["ros"])
    assert {"ros-" + name.replace("_", "-") for name in wanted} <= offered


def test_package_xml_names_every_message_package_that_is_imported():
    declared = {node.text for node in MANIFEST.iter("exec_depend")}
    trees = [ast.parse(path.read_text()) for path in (ROOT / "dp_accel_ros/nodes").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    modules = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    used = {module.split(".")[0] for module in modules if module.split(".")[0].endswith(MESSAGES)}
    assert used <= declared


def test_the_constraints_lie_within_the_ranges_of_setup_py(setup_py):
    packaging = pytest.importorskip("packaging.requirements")
    pinned = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line and not line.startswith("#")
    )
    pinned = {name.lower().replace("_", "-"): version for name, version in pinned.items()}
    extras = setup_py["extras_require"]
    roles = [setup_py["install_requires"], *(extras[role] for role in extras if role != "gpu")]
    for requirement in (packaging.Requirement(text) for role in roles for text in role):
        assert pinned[requirement.name.lower()] in requirement.specifier, requirement


def test_every_library_that_the_package_imports_is_a_requirement(setup_py):
    trees = [ast.parse(path.read_text()) for path in (ROOT / "dp_accel_ros").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    modules = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    modules |= {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    used = {module.split(".")[0] for module in modules} - set(sys.stdlib_module_names)
    extras = setup_py["extras_require"]
    roles = [setup_py["install_requires"], *(extras[role] for role in extras if role != "test")]
    offered = {name for role in roles for name in requirement_names(role)}
    assert {pip_name(name) for name in used - {"dp_accel_ros"}} <= offered | ROS_ALONE


def test_every_folder_with_python_files_is_a_package():
    folders = {path.parent for path in (ROOT / "dp_accel_ros").rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_one_version_of_ruff_formats_everywhere():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    revision = next(hook["rev"] for hook in hooks if "ruff" in hook["repo"])
    assert f"ruff=={revision.removeprefix('v')}\n" in (ROOT / "constraints.txt").read_text()


def test_the_oldest_python_is_the_same_for_pip_and_for_ruff(setup_py):
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    major, minor = setup_py["python_requires"].removeprefix(">=").split(".")
    assert tools["ruff"]["target-version"] == f"py{major}{minor}"


def test_the_bundles_together_stay_under_200_mb():
    sizes = [path.stat().st_size for path in (ROOT / "models").glob("*/*") if path.is_file()]
    assert 0 < sum(sizes) < 200e6
