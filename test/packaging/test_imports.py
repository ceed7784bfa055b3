# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Which part of the package may import what, checked in the source and by importing."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "dp_accel_ros"
CORE = ("manifest", "bundle", "observe", "predict", "execute")
PLACES = {
    "rclpy": ("nodes/",),
    "_msgs": ("nodes/",),
    "_srvs": ("nodes/",),
    "_interfaces": ("nodes/",),
    "torch": ("train/", "torch_"),
    "onnxruntime": ("onnx_",),
    "faiss": ("faiss_",),
    "mujoco": ("sim/",),
    "zarr": ("data/",),
    "matplotlib": ("evaluate/", "train/", "cli/"),
    "rich": ("evaluate/", "cli/"),
    "stable_baselines3": ("train/",),
    "tqdm": ("data/", "train/", "evaluate/", "cli/"),
}
"""A library to the folders it may be imported in, or the beginnings of file names."""
HEAVY = ("cv2", "pydantic", "onnx", "diffusers", "launch", *PLACES)


BACKENDS = ("torch_", "onnx_", "faiss_")


def sources() -> list[str]:
    """Python files as paths from the package."""
    return sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))


def core_sources() -> list[str]:
    return [name for name in sources() if "/" not in name or name.split("/")[0] in CORE]


def walk(name: str) -> Iterator[ast.AST]:
    return ast.walk(ast.parse((PACKAGE / name).read_text()))


@cache
def imported(name: str) -> set[str]:
    """Top-level names of what a file imports, wherever in the file it does."""
    found = set()
    for node in walk(name):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def may_import(name: str, library: str) -> bool:
    file = name.rsplit("/", 1)[-1]
    return any(
        name.startswith(place) if place.endswith("/") else file.startswith(place)
        for place in PLACES[library]
    )


def run_blocking(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in an interpreter in which none of the heavy libraries can be imported."""
    block = f"import sys; sys.modules.update(dict.fromkeys({HEAVY!r}))\n"
    return subprocess.run(
        [sys.executable, "-c", block + code], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("library", PLACES)
def test_a_heavy_library_is_imported_only_in_its_place(library):
    users = [
        name for name in sources() if any(found.endswith(library) for found in imported(name))
    ]
    assert [name for name in users if not may_import(name, library)] == []


def test_the_package_imports_without_any_heavy_library():
    result = run_blocking("import dp_accel_ros; print(dp_accel_ros.__version__)")
    assert result.returncode == 0, result.stderr


def test_importing_the_package_loads_nothing_heavier_than_numpy():
    code = (
        "import sys; before = set(sys.modules); import dp_accel_ros;"
        "new = {name.split('.')[0] for name in set(sys.modules) - before};"
        "print(*(new - set(sys.stdlib_module_names) - {'numpy', 'dp_accel_ros'}))"
    )
    assert run_blocking(code).stdout.strip() == ""


def test_importing_the_whole_core_loads_no_heavy_library():
    """A stage looks up its torch, ONNX or FAISS file only when it is asked for it."""
    names = [name for name in core_sources() if not name.split("/")[-1].startswith(BACKENDS)]
    modules = [f"dp_accel_ros.{name[:-3].replace('/', '.')}" for name in names]
    code = (
        f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\n"
        f"print(*set(sys.modules) & set({tuple(PLACES)!r}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (result.stdout.strip(), result.stderr) == ("", "")


@pytest.mark.parametrize("name", core_sources())
def test_the_core_reads_no_clock_and_logs_nothing(name):
    assert imported(name) & {"time", "datetime", "logging", "warnings", "random"} == set()


@pytest.mark.parametrize("name", core_sources())
def test_the_core_prints_nothing(name):
    calls = [node.func for node in walk(name) if isinstance(node, ast.Call)]
    assert "print" not in [func.id for func in calls if isinstance(func, ast.Name)]


@pytest.mark.parametrize("name", core_sources())
def test_the_core_draws_only_from_a_generator_it_is_given(name):
    names = [ast.unparse(node) for node in walk(name) if isinstance(node, ast.Attribute)]
    drawing = [text for text in names if text.startswith(("np.random.", "numpy.random."))]
    assert set(drawing) <= {"np.random.Generator"}
