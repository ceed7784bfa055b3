# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""ROS parameters out of config dataclasses: declared once, checked always, said in one voice.

A field `num_inference_steps` of a config declared under the prefix `ddim` is the parameter
`ddim.num_inference_steps`. Only fields marked live can be changed while the node runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from dp_accel_ros.config import Param, params_of
from dp_accel_ros.errors import ConfigError

ConfigT = TypeVar("ConfigT")

INT_LIMIT = 2**53


class Parameters:
    """The configs of one node, always valid and always as its parameters are.

    `declare` belongs in the node's constructor. Values change in the executor's thread only;
    `get` may come from any thread and returns a frozen config.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._configs: dict[str, Any] = {}
        self._checks: dict[str, Callable[[Any], None]] = {}
        self._watchers: dict[str, Callable[[Any], None]] = {}
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._adopt)

    def declare(
        self,
        config_class: type[ConfigT],
        prefix: str = "",
        check: Callable[[ConfigT], None] | None = None,
        on_change: Callable[[ConfigT], None] | None = None,
    ) -> ConfigT:
        """Declare a parameter for each field and return the config that they make.

        Args:
            config_class: A frozen dataclass whose fields come from `config.param`.
            prefix: What the names of its parameters begin with.
            check: Called with the new config before a live parameter is set; raises `ConfigError`
                to refuse it.
            on_change: Called with the new config after a live parameter was set.

        Raises:
            ConfigError: A value from outside cannot be used; the message says why.
        """
        values = {
            item.name: self._declared(_joined(prefix, item.name), item.default, facts)
            for item, facts in params_of(config_class)
        }
        try:
            config = config_class(**values)
        except ConfigError as error:
            raise ConfigError(_with_prefix(str(error), prefix, values)) from error
        self._configs[prefix] = config
        if check is not None:
            self._checks[prefix] = check
        if on_change is not None:
            self._watchers[prefix] = on_change
        return config

    def get(self, prefix: str = "") -> Any:
        """Return the config as it is now."""
        return self._configs[prefix]

    def _declared(self, name: str, default: Any, facts: Param) -> Any:
        try:
            value = self._node.declare_parameter(name, default, descriptor(facts, default)).value
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            raise ConfigError(f"parameter `{name}`: {error}") from error
        return value

    def _check(self, parameters: list[Parameter]) -> SetParametersResult:
        try:
            for prefix, config in self._changed(parameters).items():
                self._checks.get(prefix, _accept)(config)
        except ConfigError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _adopt(self, parameters: list[Parameter]) -> None:
        for prefix, config in self._changed(parameters).items():
            self._configs[prefix] = config
            self._watchers.get(prefix, _accept)(config)

    def _changed(self, parameters: list[Parameter]) -> dict[str, Any]:
        """Return the configs that a set of parameters would change, changed."""
        changes: dict[str, dict[str, Any]] = {}
        for parameter in parameters:
            prefix, _, name = parameter.name.rpartition(".")
            config = self._configs.get(prefix)
            if config is not None and name in {item.name for item, _ in params_of(config)}:
                changes.setdefault(prefix, {})[name] = parameter.value
        changed = {}
        for prefix, values in changes.items():
            try:
                changed[prefix] = replace(self._configs[prefix], **values)
            except ConfigError as error:
                raise ConfigError(_with_prefix(str(error), prefix, values)) from error
        return changed


def descriptor(facts: Param, default: Any) -> ParameterDescriptor:
    """Return what `ros2 param describe` shows of a parameter."""
    told = ParameterDescriptor(description=facts.help, read_only=not facts.live)
    if facts.one_of:
        told.additional_constraints = f"one of {', '.join(facts.one_of)}"
    if isinstance(default, bool) or (facts.minimum is None and facts.maximum is None):
        return told
    if isinstance(default, int):
        low = -INT_LIMIT if facts.minimum is None else int(facts.minimum)
        high = INT_LIMIT if facts.maximum is None else int(facts.maximum)
        told.integer_range = [IntegerRange(from_value=low, to_value=high, step=1)]
    elif isinstance(default, float):
        low = -1e308 if facts.minimum is None else float(facts.minimum)
        high = 1e308 if facts.maximum is None else float(facts.maximum)
        told.floating_point_range = [FloatingPointRange(from_value=low, to_value=high, step=0.0)]
    return told


def _accept(config: Any) -> None:
    del config


def _joined(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _with_prefix(message: str, prefix: str, names: Any) -> str:
    """Return an error of a config in which parameters have the names that ROS knows."""
    for name in names if prefix else ():
        message = message.replace(f"`{name}`", f"`{prefix}.{name}`")
    return message
