# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.share import share_folder


def folder_with_package_xml(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    (path / "package.xml").touch()
    return path


def test_an_installed_package_finds_its_share_folder_below_the_prefix(tmp_path):
    share = folder_with_package_xml(tmp_path / "share" / "dp_accel_ros")
    assert share_folder(tmp_path / "lib/python3.12/site-packages/dp_accel_ros") == share


def test_a_checkout_is_its_own_share_folder(tmp_path):
    checkout = folder_with_package_xml(tmp_path / "checkout")
    assert share_folder(checkout / "dp_accel_ros") == checkout


def test_the_package_that_runs_here_has_a_share_folder():
    assert (share_folder() / "package.xml").is_file()


def test_a_package_without_its_files_says_what_was_looked_for(tmp_path):
    with pytest.raises(ConfigError, match=r"no share/dp_accel_ros/package\.xml"):
        share_folder(tmp_path / "dp_accel_ros")
