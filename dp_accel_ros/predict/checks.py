# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What an observation must be before a network sees it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import NotFiniteError, ShapeError, UnknownNameError
from dp_accel_ros.manifest import Manifest
from dp_accel_ros.observation import Observation


def check_observation(observation: Observation, manifest: Manifest) -> None:
    """Raise unless the observation has all that the manifest names, all of it finite.

    Raises:
        UnknownNameError: A camera of the bundle is not in it.
        ShapeError: An array has another shape or number type.
        NotFiniteError: A joint position or a number of the state is NaN or infinite.
    """
    n_steps = manifest.n_obs_steps
    for camera in manifest.cameras:
        if camera.name not in observation.images:
            raise UnknownNameError("observed camera", camera.name, observation.images)
        shape = (n_steps, camera.height, camera.width, 3)
        _check_array(f"images of {camera.name!r}", observation.images[camera.name], shape, "uint8")
    _check_array("joints", observation.joints, (n_steps, len(manifest.joints)), "float32")
    _check_finite("joints", observation.joints)
    if not manifest.state:
        return
    if observation.state is None:
        raise ShapeError("state", f"float32 {(n_steps, len(manifest.state))}", "none")
    _check_array("state", observation.state, (n_steps, len(manifest.state)), "float32")
    _check_finite("state", observation.state)


def _check_finite(what: str, array: NDArray[np.float32]) -> None:
    bad = ~np.isfinite(array)
    if bad.any():
        raise NotFiniteError(what, int(bad.sum()), bad.size)


def _check_array(what: str, array: NDArray[Any], shape: tuple[int, ...], dtype: str) -> None:
    if array.shape != shape or array.dtype != dtype:
        raise ShapeError(what, f"{dtype} {shape}", f"{array.dtype} {array.shape}")
