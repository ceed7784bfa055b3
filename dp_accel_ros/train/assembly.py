# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The last stage: networks to ONNX, keys of every frame, and the bundle's manifest."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from torch import Tensor

from dp_accel_ros.bundle import Bundle, StoreArrays, write_bundle
from dp_accel_ros.data.episodes import Episodes
from dp_accel_ros.observe.normalizer import Normalizer
from dp_accel_ros.sim import TASKS
from dp_accel_ros.train.export import Parity, export
from dp_accel_ros.train.keys import encoded, nearest_elsewhere, ood_threshold, window_keys
from dp_accel_ros.train.workshop import Workshop

N_SAMPLES = 16
"""Demonstration frames, and as many random inputs, on which ONNX and torch are compared."""


def assemble(shop: Workshop, out: Path) -> Bundle:
    """Export the networks of a workshop, write the bundle and return it as loading finds it."""
    episodes, joints, shape = shop.demonstrations(), shop.joints(), shop.recipe.diffusion.windows
    features = encoded(shop.encoder(), episodes, joints)
    alt_keys = encoded(shop.alt_encoder(), episodes, joints)
    keys = window_keys(features, episodes.ends, shape)
    parities = _export(shop, features, episodes, joints)
    _, distance = nearest_elsewhere(alt_keys, episodes.ends)
    gamma = ood_threshold(1.0 - distance**2 / 2.0)  # unit vectors: ||a - b||² = 2 - 2 cos
    arrays = StoreArrays(
        actions=episodes.rows("action"), episode_ends=episodes.ends, keys=keys, alt_keys=alt_keys
    )
    dims = {"feature_dim": features.shape[1]}
    facts = {
        **_robot_facts(shop, episodes),
        "encoder": {"file": "encoder.onnx", **dims},
        "alt_encoder": {"file": "alt_encoder.onnx", "feature_dim": alt_keys.shape[1]},
        "denoiser": {"file": "denoiser.onnx", **dims},
        "retrieval": {
            "actions": "actions.npy",
            "episode_ends": "episode_ends.npy",
            "keys": "keys.npy",
            "alt_keys": "alt_keys.npy",
            "alt_threshold": round(gamma, 4),
        },
        "provenance": _provenance(shop, parities),
    }
    networks = {parity.file: shop.path / "onnx" / parity.file for parity in parities}
    return write_bundle(out, facts, arrays, networks)


def _robot_facts(shop: Workshop, episodes: Episodes) -> dict[str, Any]:
    task, shape = TASKS[shop.recipe.task](), shop.recipe.diffusion.windows
    height, width = task.image_size
    cameras = [{"name": name, "width": width, "height": height} for name in task.camera_names]
    return {
        "task": task.name,
        "licence": "Apache-2.0",
        "joints": [asdict(joint) for joint in task.joints],
        "cameras": cameras,
        "horizon": shape.horizon,
        "n_obs_steps": shape.n_obs_steps,
        "n_action_steps": shape.n_action_steps,
        "dt": task.dt,
        "schedule": {
            "num_train_timesteps": shop.recipe.diffusion.num_train_timesteps,
            "beta_schedule": "squaredcos_cap_v2",
            "prediction_type": "epsilon",
            "clip_sample": True,
        },
        "normalization": {
            "joints": _bounds(episodes.rows("joint_position")),
            "actions": _bounds(episodes.rows("action")),
        },
    }


def _bounds(rows: NDArray[np.float32]) -> dict[str, list[float]]:
    return {"minimum": rows.min(0).tolist(), "maximum": rows.max(0).tolist()}


def _export(
    shop: Workshop, features: NDArray[np.float32], episodes: Episodes, joints: Normalizer
) -> list[Parity]:
    rng, folder = np.random.default_rng(0), shop.path / "onnx"
    shape = shop.recipe.diffusion.windows
    rows = np.sort(rng.choice(episodes.n_frames, N_SAMPLES, replace=False))
    images = {
        name: _with_noise(episodes.arrays[f"img_{name}"].oindex[rows], rng)
        for name in episodes.attributes["cameras"]
    }
    measured = joints.normalize(episodes.arrays["joint_position"].oindex[rows])
    seen = {**images, "joints": _with_noise(measured, rng)}
    n = 2 * N_SAMPLES
    chunk = rng.normal(size=(n, shape.horizon, measured.shape[1])).astype(np.float32)
    cond = np.repeat(features[rows, None], shape.n_obs_steps, axis=1)
    levels = np.linspace(0, shop.recipe.diffusion.num_train_timesteps - 1, n).round()
    noisy = {
        "x": torch.from_numpy(chunk),
        "t": torch.from_numpy(levels.astype(np.float32)),
        "cond": _with_noise(cond, rng),
    }
    denoiser = shop.denoiser(features.shape[1])
    return [
        export(shop.encoder(), seen, "features", folder / "encoder.onnx"),
        export(shop.alt_encoder(), seen, "features", folder / "alt_encoder.onnx"),
        export(denoiser, noisy, "eps", folder / "denoiser.onnx"),
    ]


def _with_noise(real: NDArray[Any], rng: np.random.Generator) -> Tensor:
    """Return real inputs, (N, ...), followed by as many random ones of the same type."""
    if real.dtype == np.uint8:
        random = rng.integers(0, 256, real.shape, dtype=np.uint8)
    else:
        random = rng.normal(size=real.shape).astype(np.float32)
    return torch.from_numpy(np.concatenate([real, random]))


def _provenance(shop: Workshop, parities: Sequence[Parity]) -> dict[str, Any]:
    recipe, episodes = shop.recipe, shop.demonstrations()
    packages = ("dp_accel_ros", "torch", "onnx", "onnxruntime", "mujoco", "numpy")
    return {
        "command": f"dp-accel build --task {recipe.task}",
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in packages},
        "demonstrations": {
            "episodes": episodes.n_episodes,
            "frames": episodes.n_frames,
            "first_seed": recipe.first_seed,
            "exploration_sigma_rad": recipe.exploration.sigma_rad,
        },
        "recipes": {
            name: yaml.safe_load((shop.run(name).path / "config.yaml").read_text("utf-8"))
            for name in ("perception", "contrastive", "diffusion")
        },
        "measured": {
            name: shop.run(name).metrics for name in ("perception", "contrastive", "diffusion")
        },
        "onnx_max_abs_error": {parity.file: parity.max_abs_error for parity in parities},
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
