# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What the launch files refuse before any node starts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dp_accel_ros.bundle import load_bundle
from dp_accel_ros.errors import ConfigError, UnknownNameError
from dp_accel_ros.manifest.encoders import AUTO
from dp_accel_ros.predict.methods import METHOD_CONFIGS

WORDS = {"true": True, "false": False}


def refuse_wrong(bundle: str, method: str, params_file: str, observe: str = "") -> None:
    """Raise when nodes with these arguments could not work.

    Args:
        bundle: Folder of the bundle.
        method: Name of a method, or empty to keep the parameter file's.
        params_file: A ROS parameter file, or empty for none.
        observe: What the policy takes beside the joints, or empty to keep the parameter file's.

    Raises:
        DpAccelError: Something is wrong; the message says what, and what would be right.
    """
    load_bundle(bundle).observed_by(observe or AUTO)
    if method and method not in METHOD_CONFIGS:
        raise UnknownNameError("method", method, METHOD_CONFIGS)
    if params_file and not Path(params_file).is_file():
        raise ConfigError(f"`params_file`: there is no file {params_file}")


def truth(name: str, word: str) -> bool:
    """Return a launch argument that is true or false.

    Raises:
        ConfigError: It is another word.
    """
    if word.lower() not in WORDS:
        raise ConfigError(f"`{name}` must be true or false, got {word!r}")
    return WORDS[word.lower()]


def given(values: Mapping[str, str]) -> dict[str, str]:
    """Return the arguments that are not empty: only those override a parameter file."""
    return {name: value for name, value in values.items() if value}
