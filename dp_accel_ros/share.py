# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Where the files that are not Python lie: `launch`, `config` and `models`."""

from __future__ import annotations

from pathlib import Path

from dp_accel_ros.errors import ConfigError

PACKAGE = Path(__file__).resolve().parent


def share_folder(package: Path = PACKAGE) -> Path:
    """Return the folder that holds `launch`, `config` and `models` of the package at a path.

    colcon and pip put them below the prefix, in `share/dp_accel_ros`; a checkout has them beside
    the package.
    """
    for prefix in package.parents:
        for folder in (prefix / "share" / package.name, prefix):
            if (folder / "package.xml").is_file():
                return folder
    raise ConfigError(f"no share/{package.name}/package.xml and no checkout above {package}")
