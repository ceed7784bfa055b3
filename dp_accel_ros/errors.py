# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Every error that the package raises on purpose.

A message says what was wrong, what was expected, what was found and, where it helps, what exists.
"""

from __future__ import annotations

from collections.abc import Iterable


class DpAccelError(Exception):
    """Base of all errors raised on purpose."""


class ConfigError(DpAccelError, ValueError):
    """A parameter or argument has a value that cannot work."""


class UnknownNameError(ConfigError):
    """A name was asked for that is not in a family."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(f"no {kind} named {name!r}; there are {', '.join(sorted(known))}")


class MissingPartError(ConfigError):
    """A method needs something that is an optional part of a bundle and not in this one."""

    def __init__(self, method: str, needed: str, present: Iterable[str]) -> None:
        found = ", ".join(sorted(present)) or "none"
        super().__init__(
            f"{method!r} needs {needed}, which this bundle has not; its optional parts: {found}"
        )


class ShapeError(DpAccelError, ValueError):
    """An array has another shape or type than its place needs."""

    def __init__(self, what: str, expected: object, got: object) -> None:
        super().__init__(f"{what}: expected {expected}, got {got}")


class NotFiniteError(DpAccelError, ValueError):
    """An array holds NaN or infinity."""

    def __init__(self, what: str, n_bad: int, size: int) -> None:
        super().__init__(f"{what}: expected finite numbers, got {n_bad} of {size} NaN or infinite")


class BundleError(DpAccelError):
    """A bundle is damaged, incomplete or contradicts itself."""


class DataError(DpAccelError, ValueError):
    """A data set on disk is damaged, incomplete or of another kind."""


class BackendError(DpAccelError, RuntimeError):
    """A compute backend is missing or not the one that was asked for."""


class SimulationError(DpAccelError, RuntimeError):
    """The simulation cannot run on this machine or was used wrongly."""
