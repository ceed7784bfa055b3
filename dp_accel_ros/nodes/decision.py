# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What the scheduler asks of the policy: which method, with which settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dp_accel_ros import config
from dp_accel_ros.config import param, params_of, value_of
from dp_accel_ros.errors import ConfigError, UnknownNameError

TSDP = "tsdp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A method and its settings; what is empty is left to the policy's own parameters."""

    method: str = param(
        "", "Method that the policy should use. Empty: its own `method` parameter.", live=True
    )
    settings: str = param(
        "",
        "Settings of that method in place of the policy's parameters, as in "
        "`leap_ratio=0.75 neighbours=4`.",
        live=True,
    )
    drafting: str = ""
    """Further settings, chosen for this tick, that count only where the method is TS-DP."""

    def __post_init__(self) -> None:
        config.check(self)
        parsed(self.settings)
        parsed(self.drafting)

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Decision:
        """Return the decision in the values of `scheduler/decision`."""
        return cls(
            method=values.get("method", ""),
            settings=values.get("settings", ""),
            drafting=values.get("drafting", ""),
        )

    def values(self, epoch: int) -> dict[str, object]:
        """Return the values of `scheduler/decision`."""
        return {
            "method": self.method,
            "settings": self.settings,
            "drafting": self.drafting,
            "epoch": epoch,
        }

    def settings_for(self, method: str) -> str:
        """Return all settings that are asked of a method."""
        return f"{self.settings} {self.drafting}".strip() if method == TSDP else self.settings


def parsed(settings: str) -> dict[str, str]:
    """Return `name=value` settings as a mapping; the last of a name counts.

    Raises:
        ConfigError: A setting is not written like that.
    """
    pairs = [word.partition("=") for word in settings.split()]
    for name, equals, value in pairs:
        if not name or not equals or not value:
            wrong = f"{name}{equals}{value}"
            raise ConfigError(f"`settings` must be written as name=value, got {wrong!r}")
    return {name: value for name, _, value in pairs}


def with_settings(base: Any, settings: str) -> Any:
    """Return a config with `name=value` settings in place of some of its values.

    Raises:
        UnknownNameError: The config has no such setting.
        ConfigError: A value is of another type or out of range.
    """
    present = {item.name: getattr(base, item.name) for item, _ in params_of(base)}
    changes: dict[str, Any] = {}
    for name, text in parsed(settings).items():
        if name not in present:
            raise UnknownNameError("setting", name, present)
        changes[name] = value_of(name, text, type(present[name]))
    return replace(base, **changes)
