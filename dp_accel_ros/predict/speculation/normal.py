# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The normal distribution function, in numpy and the standard library alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_ERFC: Any = np.frompyfunc(math.erfc, 1, 1)


def normal_cdf(x: ArrayLike) -> NDArray[np.float64]:
    """Return the probability that a standard normal number is at most `x`."""
    return 0.5 * np.asarray(_ERFC(-np.asarray(x, np.float64) / math.sqrt(2)), np.float64)
