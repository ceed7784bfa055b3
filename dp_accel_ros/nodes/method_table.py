# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Every method of a policy, ready to be used."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock

from dp_accel_ros.errors import MissingPartError, UnknownNameError
from dp_accel_ros.nodes.decision import with_settings
from dp_accel_ros.predict.assemble import make_method
from dp_accel_ros.predict.methods import Method, MethodConfig
from dp_accel_ros.predict.policy import Policy

KEPT = 64
"""Settings that a scheduler may try before the oldest method is built again."""


class MethodTable:
    """Builds methods when their settings change and keeps them.

    `check` and `update` come from parameter callbacks, `chosen` from the inference thread.
    """

    def __init__(self, policy: Policy, configs: Mapping[str, MethodConfig]) -> None:
        self._policy = policy
        self._lock = Lock()
        self._configs = dict(configs)
        self._built: dict[tuple[str, MethodConfig], Method] = {}
        self._names = tuple(name for name in self._configs if self._offers(name))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the methods for which the bundle has all parts."""
        return self._names

    def check(self, name: str, config: MethodConfig) -> None:
        """Raise `ConfigError` when the policy cannot run a method with this config."""
        make_method(name, self._policy, config)

    def update(self, name: str, config: MethodConfig) -> None:
        """Use another config for a method from now on."""
        with self._lock:
            self._configs[name] = config

    def _offers(self, name: str) -> bool:
        try:
            self.chosen(name)
        except MissingPartError:
            # Most bundles lack a part that some method needs; choosing that method says which.
            return False
        return True

    def chosen(self, name: str, settings: str = "") -> Method:
        """Return a method with `name=value` settings in place of its parameters.

        Raises:
            ConfigError: There is no such method or setting, or a value cannot be used.
        """
        with self._lock:
            if name not in self._configs:
                raise UnknownNameError("method", name, self._configs)
            config = with_settings(self._configs[name], settings)
            key = (name, config)
            if key not in self._built:
                if len(self._built) >= KEPT:
                    del self._built[next(iter(self._built))]
                self._built[key] = make_method(name, self._policy, config)
            return self._built[key]
