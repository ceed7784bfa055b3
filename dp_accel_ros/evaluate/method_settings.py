# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A method and its settings as somebody types them: `ragdp leap_ratio=0.75`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from dp_accel_ros.config import params_of, value_of
from dp_accel_ros.errors import ConfigError, UnknownNameError
from dp_accel_ros.predict.methods import METHOD_CONFIGS, MethodConfig


def method_config(method: str, settings: Iterable[str] = ()) -> MethodConfig:
    """Return the config of a method with `name=value` settings in place of its defaults.

    Raises:
        UnknownNameError: There is no such method, or it has no such setting.
        ConfigError: A setting is not `name=value`, of another type, or out of range.
    """
    if method not in METHOD_CONFIGS:
        raise UnknownNameError("method", method, METHOD_CONFIGS)
    config = METHOD_CONFIGS[method]()
    defaults = {item.name: getattr(config, item.name) for item, _ in params_of(config)}
    changes: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise ConfigError(f"a setting must be written as name=value, got {setting!r}")
        if name not in defaults:
            raise UnknownNameError(f"setting of {method!r}", name, defaults)
        changes[name] = value_of(name, text, type(defaults[name]))
    return replace(config, **changes)


def settings_line(config: MethodConfig) -> str:
    """Return what a config is set to, on one line."""
    return ", ".join(f"{name}={value}" for name, value in asdict(config).items())
