# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A trained drafter as files, and into a bundle."""

from __future__ import annotations

import numpy as np
import torch

from dp_accel_ros.bundle import Bundle
from dp_accel_ros.bundle.networks import put_section
from dp_accel_ros.predict.networks.torch_transformer import Conditioner, Decoder
from dp_accel_ros.train.export import export
from dp_accel_ros.train.export_denoiser import noised
from dp_accel_ros.train.keys import window_keys
from dp_accel_ros.train.workshop import Workshop


def put_drafter(shop: Workshop, bundle: Bundle) -> Bundle:
    """Export the drafter of a workshop into a bundle, and return that as loading finds it."""
    keys = window_keys(shop.features(), shop.demonstrations().ends, shop.recipe.diffusion.windows)
    conditions = keys.reshape(len(keys), shop.recipe.diffusion.windows.n_obs_steps, -1)
    network, folder = shop.drafter(conditions.shape[-1]).cpu().eval(), shop.path / "onnx"
    x, t, cond = noised(shop, conditions, np.random.default_rng(0))
    with torch.no_grad():
        memory = network.memory(t, cond)
    paths = {"file": folder / "drafter.onnx", "conditioner": folder / "drafter_conditioner.onnx"}
    export(Conditioner(network), {"t": t, "cond": cond}, "memory", paths["conditioner"])
    export(Decoder(network), {"x": x, "memory": memory}, "eps", paths["file"])
    facts = {"feature_dim": conditions.shape[-1], "memory_dim": memory.shape[-1]}
    return put_section(bundle.path, "drafter", facts, paths, shop.run("drafter").made)
