# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The page that says what the tests prove names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = re.findall(r"^\|.*\| (`.*`) \|$", (ROOT / "docs" / "tests.md").read_text(), flags=re.M)


def _named(row: str) -> list[tuple[str, str]]:
    """Return files and tests; a test without a file is in the file before."""
    file, found = "", []
    for name in re.findall(r"`([^`]+)`", row):
        file = name.split("::")[0] if "::" in name else file
        found.append((file, name.split("::")[-1]))
    return found


@pytest.mark.parametrize("row", ROWS)
def test_every_test_that_is_named_exists(row: str):
    for file, name in _named(row):
        assert f"def {name}(" in (ROOT / "test" / file).read_text()


def test_there_are_rows_to_check():
    assert len(ROWS) > 40
