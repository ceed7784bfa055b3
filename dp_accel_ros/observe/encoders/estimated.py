# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""An encoder of a state that nobody measures: a network sees it in images."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.observe.encoders.base import Encoder


class EstimatedState:
    """`encoder` of what `estimator` says of the images; an `Encoder` that takes no state."""

    def __init__(self, estimator: Encoder, encoder: Encoder) -> None:
        self._estimator, self._encoder = estimator, encoder

    @property
    def feature_dim(self) -> int:
        """Features per frame (C)."""
        return self._encoder.feature_dim

    def encode(
        self,
        images: Mapping[str, NDArray[np.uint8]],
        joints: NDArray[np.float32],
        state: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Return features, (B, C), of frames and normalised joints; see `Encoder`."""
        return self._encoder.encode({}, joints, self._estimator.encode(images, joints))
