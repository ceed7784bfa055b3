# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Parameters declared once: a frozen dataclass field carries its default, range and help text.

The nodes declare ROS parameters from these fields and the documentation table is made from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any

from dp_accel_ros.errors import ConfigError

_KEY = "dp_accel_ros.param"


@dataclass(frozen=True, slots=True)
class Param:
    """What is known about one parameter besides its type."""

    help: str
    minimum: float | None = None
    maximum: float | None = None
    one_of: tuple[str, ...] = ()
    live: bool = False
    """True when the value may be changed while the node runs."""

    def complaint(self, name: str, value: Any) -> str | None:
        """Return why `value` cannot be used for the parameter `name`, or None."""
        if self.one_of and value not in self.one_of:
            return f"`{name}` must be one of {', '.join(self.one_of)}, got {value!r}"
        if self.minimum is not None and not value >= self.minimum:
            return f"`{name}` must be at least {self.minimum:g}, got {value}"
        if self.maximum is not None and not value <= self.maximum:
            return f"`{name}` must be at most {self.maximum:g}, got {value}"
        return None


def param(
    default: Any,
    help: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    one_of: Sequence[str] = (),
    live: bool = False,
) -> Any:
    """Return a dataclass field with the default, range and help text of a parameter."""
    facts = Param(help, minimum, maximum, tuple(one_of), live)
    return field(default=default, metadata={_KEY: facts})


def params_of(config: object) -> Iterator[tuple[Field[Any], Param]]:
    """Yield the fields of a config dataclass (or an instance) that are parameters."""
    for item in fields(config):  # type: ignore[arg-type]
        if _KEY in item.metadata:
            yield item, item.metadata[_KEY]


def check(config: object) -> None:
    """Raise `ConfigError` for the first parameter outside its range; call it in `__post_init__`."""
    for item, facts in params_of(config):
        complaint = facts.complaint(item.name, getattr(config, item.name))
        if complaint is not None:
            raise ConfigError(complaint)


def value_of(name: str, text: str, kind: type) -> Any:
    """Return what somebody typed for the parameter `name` as a value of its type.

    Raises:
        ConfigError: It cannot be read as that type.
    """
    try:
        # bool("false") is True
        return {"true": True, "false": False}[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError) as error:
        words = "true or false" if kind is bool else f"of type {kind.__name__}"
        raise ConfigError(f"`{name}` must be {words}, got {text!r}") from error
