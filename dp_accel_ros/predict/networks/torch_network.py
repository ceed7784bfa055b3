# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A denoising network that is a torch module, run eagerly: the baseline of all timings."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray


class TorchNetwork:
    """A module whose `forward` takes `x`, `t`, `cond`; it is moved to `device` and set to eval."""

    def __init__(self, module: torch.nn.Module, device: str = "cpu") -> None:
        self._module = module.to(device).eval()
        self._device = torch.device(device)

    def __call__(
        self, x: NDArray[np.float32], t: NDArray[np.float32], cond: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the prediction, (B, T, Da), for x, (B, T, Da), t, (B,), and cond, (B, To, C)."""
        with torch.inference_mode():
            inputs = (torch.from_numpy(array).to(self._device) for array in (x, t, cond))
            return self._module(*inputs).cpu().numpy()
