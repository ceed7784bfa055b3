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
    """Raise unless the observation has every camera and joint of the manifest, all finite.

    Raises:
        UnknownNameError: A camera of the bundle is not in it.
        ShapeError: An array has another shape or number type.
        NotFiniteError: A joint position is NaN or infinite.
    """
    n_steps = manifest.n_obs_steps
    for camera in manifest.cameras:
        if camera.name not in observation.images:
            raise UnknownNameError("observed camera", camera.name, observation.images)
        shape = (n_steps, camera.height, camera.width, 3)
        _check_array(f"images of {camera.name!r}", observation.images[camera.name], shape, "uint8")
    _check_array("joints", observation.joints, (n_steps, len(manifest.joints)), "float32")
    bad = ~np.isfinite(observation.joints)
    if bad.any():
        raise NotFiniteError("joints", int(bad.sum()), bad.size)


def _check_array(what: str, array: NDArray[Any], shape: tuple[int, ...], dtype: str) -> None:
    if array.shape != shape or array.dtype != dtype:
        raise ShapeError(what, f"{dtype} {shape}", f"{array.dtype} {array.shape}")
