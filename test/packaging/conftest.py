# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The sources as a fresh clone would hold them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace's `src` folder with a copy of every file that git knows of."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    source = tmp_path_factory.mktemp("workspace") / "src"
    for name in filter(None, listed.stdout.split("\0")):
        target = source / "dp_accel_ros" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, target)
    return source


@pytest.fixture(scope="session")
def shared(clone: Path) -> list[str]:
    """Files that belong into share/dp_accel_ros, relative to it."""
    checkout = clone / "dp_accel_ros"
    files = [
        path for name in ("launch", "config", "models") for path in checkout.glob(f"{name}/**/*")
    ]
    return ["package.xml", *(str(p.relative_to(checkout)) for p in files if p.is_file())]
