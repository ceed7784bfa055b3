# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What the README promises."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
LINKS = re.findall(r"\]\(([^)#:]+)\)", README)


def test_the_readme_fits_on_one_screen():
    assert 60 <= len(README.splitlines()) <= 90


@pytest.mark.parametrize("target", LINKS)
def test_a_link_of_the_readme_leads_to_a_file(target):
    assert (ROOT / target).exists()


def test_the_readme_names_every_method():
    from dp_accel_ros.predict.methods import METHODS

    assert set(re.findall(r"^\| `(\w+)` \| [a-z]", README, flags=re.M)) >= set(METHODS)


def test_the_python_example_of_the_readme_runs(tmp_path):
    for needed in ("onnxruntime", "mujoco"):
        pytest.importorskip(needed)
    code = re.search(r"```python\n(.*?)```", README, flags=re.S)[1]
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["ddim", "ragdp", "alt"], (
        result.stderr
    )
