# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A denoising network that is a torch module, run eagerly: the baseline of all timings."""

from __future__ import annotations

import torch

from dp_accel_ros.predict.schedule import Floats


class TorchNetwork:
    """A module whose `forward` takes `x`, `t`, `cond`; it is moved to `device` and set to eval."""

    def __init__(self, module: torch.nn.Module, device: str = "cpu") -> None:
        self._module = module.to(device).eval()
        self._device = torch.device(device)

    def __call__(self, x: Floats, t: Floats, cond: Floats) -> Floats:
        """Return the prediction, (B, T, Da), for x, (B, T, Da), t, (B,), and cond, (B, To, C)."""
        with torch.inference_mode():
            inputs = (torch.from_numpy(array).to(self._device) for array in (x, t, cond))
            return self._module(*inputs).cpu().numpy()
