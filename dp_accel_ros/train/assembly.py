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
import yaml
from numpy.typing import NDArray

from dp_accel_ros.bundle import Bundle, StoreArrays, write_bundle
from dp_accel_ros.data.episodes import Episodes
from dp_accel_ros.observe.normalizer import Normalizer
from dp_accel_ros.sim import TASKS
from dp_accel_ros.train.export import Parity, export, with_noise
from dp_accel_ros.train.export_denoiser import export_denoiser
from dp_accel_ros.train.keys import encoded, nearest_elsewhere, ood_threshold, window_keys
from dp_accel_ros.train.onnx_quantize import QuantisationError
from dp_accel_ros.train.workshop import Workshop

N_SAMPLES = 16
"""Demonstration frames, and as many random inputs, on which ONNX and torch are compared."""


def assemble(shop: Workshop, out: Path) -> Bundle:
    """Export the networks of a workshop, write the bundle and return it as loading finds it."""
    episodes, joints, shape = shop.demonstrations(), shop.joints(), shop.recipe.diffusion.windows
    features = encoded(shop.encoder(), episodes, joints)
    alt_keys = encoded(shop.alt_encoder(), episodes, joints)
    keys = window_keys(features, episodes.ends, shape)
    denoiser = export_denoiser(shop, keys)
    parities = [*_export_encoders(shop, episodes, joints), *denoiser.parities]
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
        "denoiser": denoiser.facts | dims,
        "retrieval": {
            "actions": "actions.npy",
            "episode_ends": "episode_ends.npy",
            "keys": "keys.npy",
            "alt_keys": "alt_keys.npy",
            "alt_threshold": round(gamma, 4),
        },
        "provenance": _provenance(shop, parities, denoiser.int8_error),
    }
    files = [*(parity.file for parity in parities), denoiser.int8_error.file]
    networks = {name: shop.path / "onnx" / name for name in files}
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


def _export_encoders(shop: Workshop, episodes: Episodes, joints: Normalizer) -> list[Parity]:
    rng, folder = np.random.default_rng(0), shop.path / "onnx"
    rows = np.sort(rng.choice(episodes.n_frames, N_SAMPLES, replace=False))
    images = {
        name: with_noise(episodes.arrays[f"img_{name}"].oindex[rows], rng)
        for name in episodes.attributes["cameras"]
    }
    measured = joints.normalize(episodes.arrays["joint_position"].oindex[rows])
    seen = {**images, "joints": with_noise(measured, rng)}
    return [
        export(shop.encoder(), seen, "features", folder / "encoder.onnx"),
        export(shop.alt_encoder(), seen, "features", folder / "alt_encoder.onnx"),
    ]


def _provenance(
    shop: Workshop, parities: Sequence[Parity], int8_error: QuantisationError
) -> dict[str, Any]:
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
        "int8_relative_rms_error": round(int8_error.relative_rms, 5),
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
