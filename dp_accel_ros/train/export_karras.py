# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The trained EDM teacher and consistency student as files, and into a bundle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import torch
from numpy.typing import NDArray

from dp_accel_ros.bundle import Bundle
from dp_accel_ros.bundle.networks import put_section
from dp_accel_ros.data.windows import frame_windows
from dp_accel_ros.predict.networks.torch_transformer import DenoisingTransformer
from dp_accel_ros.predict.preconditioning import Preconditioning
from dp_accel_ros.train.export_denoiser import N_SAMPLES, Inputs, export_halves
from dp_accel_ros.train.keys import window_keys
from dp_accel_ros.train.workshop import Workshop


def put_edm(shop: Workshop, bundle: Bundle) -> Bundle:
    """Export the EDM teacher into a bundle, and return that as loading finds it."""
    return _put(shop, bundle, "edm", shop.edm)


def put_consistency(shop: Workshop, bundle: Bundle) -> Bundle:
    """Export the consistency student into a bundle, and return that as loading finds it."""
    return _put(shop, bundle, "consistency", shop.student)


def _put(
    shop: Workshop, bundle: Bundle, part: str, trained: Callable[[int], DenoisingTransformer]
) -> Bundle:
    keys = window_keys(shop.features(), shop.demonstrations().ends, shop.recipe.diffusion.windows)
    conditions = keys.reshape(len(keys), shop.recipe.diffusion.windows.n_obs_steps, -1)
    network = trained(conditions.shape[-1])
    seen, held_out = (_noised(shop, conditions, np.random.default_rng(n)) for n in (0, 1))
    names = {"conditioner": f"{part}_conditioner", "file": part, "int8_file": f"{part}_int8"}
    paths = {key: shop.path / "onnx" / f"{name}.onnx" for key, name in names.items()}
    exported = export_halves(network, seen, held_out, list(paths.values()))
    schedule = asdict(shop.recipe.edm.levels) | {"clip_sample": True}
    facts = {
        "feature_dim": conditions.shape[-1],
        "memory_dim": exported.facts["memory_dim"],
        "schedule": schedule,
    }
    return put_section(bundle.path, part, facts, paths, shop.run(part).made)


def _noised(shop: Workshop, conditions: NDArray[np.float32], rng: np.random.Generator) -> Inputs:
    """Return scaled chunks with the noise of random levels, as a network sees them."""
    data, levels = shop.diffusion_data(), shop.recipe.edm.levels
    frames = rng.choice(len(conditions), N_SAMPLES)
    clean = data.actions[frame_windows(data.ends, shop.recipe.diffusion.windows).index[frames]]
    drawn = rng.integers(levels.bins, size=N_SAMPLES)
    sigma = levels.schedule.sigmas[drawn, None, None]
    scaled = Preconditioning(levels.sigma_data).of_input(sigma) * (
        clean + sigma * rng.standard_normal(clean.shape)
    )
    arrays = (scaled, levels.schedule.network_times[drawn], conditions[frames])
    x, t, cond = (torch.from_numpy(np.asarray(array, np.float32)) for array in arrays)
    return x, t, cond
