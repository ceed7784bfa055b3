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
from dp_accel_ros.train.keys import nearest_elsewhere, ood_threshold, window_keys
from dp_accel_ros.train.onnx_quantize import QuantisationError
from dp_accel_ros.train.workshop import Recipe, Workshop

N_SAMPLES = 16
"""Demonstration frames, and as many random inputs, on which ONNX and torch are compared."""


def assemble(shop: Workshop, out: Path) -> Bundle:
    """Export the networks of a workshop, write the bundle and return it as loading finds it."""
    episodes, shape = shop.demonstrations(), shop.recipe.diffusion.windows
    features, alt_keys = (shop.encoded(net) for net in (shop.encoder(), shop.alt_encoder()))
    keys = window_keys(features, episodes.ends, shape)
    denoiser = export_denoiser(shop, keys)
    parities = [*_export_encoders(shop, episodes, shop.joints()), *denoiser.parities]
    arrays, stored = None, {}
    # What somebody else recorded may teach the networks, but is not ours to pass on.
    if shop.recipe.recordings is None:
        arrays = StoreArrays(episodes.rows("action"), episodes.ends, keys, alt_keys)
        stored = {"retrieval": _retrieval_facts(arrays)}
    dims = {"feature_dim": features.shape[1]}
    facts = {
        **_robot_facts(shop, episodes),
        "encoder": {"file": "encoder.onnx", **dims},
        "alt_encoder": {"file": "alt_encoder.onnx", "feature_dim": alt_keys.shape[1]},
        "denoiser": denoiser.facts | dims,
        **stored,
        "provenance": _provenance(shop, parities, denoiser.int8_error),
    }
    files = [*(parity.file for parity in parities), denoiser.int8_error.file]
    networks = {name: shop.path / "onnx" / name for name in files}
    return write_bundle(out, facts, arrays, networks)


def _retrieval_facts(arrays: StoreArrays) -> dict[str, Any]:
    _, distance = nearest_elsewhere(arrays.alt_keys, arrays.episode_ends)
    gamma = ood_threshold(1.0 - distance**2 / 2.0)  # unit vectors: ||a - b||² = 2 - 2 cos
    return {
        "actions": "actions.npy",
        "episode_ends": "episode_ends.npy",
        "keys": "keys.npy",
        "alt_keys": "alt_keys.npy",
        "alt_threshold": round(gamma, 4),
    }


def _robot_facts(shop: Workshop, episodes: Episodes) -> dict[str, Any]:
    task, shape = TASKS[shop.recipe.task](), shop.recipe.diffusion.windows
    from_state, (height, width) = shop.recipe.from_state, task.image_size
    cameras = [{"name": name, "width": width, "height": height} for name in task.camera_names]
    return {
        "task": task.name,
        "licence": "Apache-2.0",
        "joints": [asdict(joint) for joint in task.joints],
        "cameras": [] if from_state else cameras,
        "state": list(episodes.attributes["state_names"]) if from_state else [],
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
    from_state = shop.recipe.from_state
    images = {
        name: with_noise(episodes.arrays[f"img_{name}"].oindex[rows], rng)
        for name in ([] if from_state else episodes.attributes["cameras"])
    }
    measured = joints.normalize(episodes.arrays["joint_position"].oindex[rows])
    seen = {**images, "joints": with_noise(measured, rng)}
    if from_state:
        seen["state"] = with_noise(episodes.arrays["state"].oindex[rows], rng)
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
        "command": _command(recipe),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in packages},
        "observe": recipe.observe,
        "demonstrations": _demonstration_facts(recipe, episodes),
        "recipes": {
            name: yaml.safe_load((shop.run(name).path / "config.yaml").read_text("utf-8"))
            for name in shop.trained
        },
        "measured": {name: shop.run(name).metrics for name in shop.trained},
        "onnx_max_abs_error": {parity.file: parity.max_abs_error for parity in parities},
        "int8_relative_rms_error": round(int8_error.relative_rms, 5),
    }


def _command(recipe: Recipe) -> str:
    recordings = "" if recipe.recordings is None else f" --recordings {recipe.recordings.name}"
    return f"dp-accel build --task {recipe.task}{recordings}"


def _demonstration_facts(recipe: Recipe, episodes: Episodes) -> dict[str, Any]:
    size = {"episodes": episodes.n_episodes, "frames": episodes.n_frames}
    if recipe.recordings is not None:
        return {**size, "recordings": recipe.recordings.name}
    sigma = recipe.exploration.sigma_rad
    return {**size, "first_seed": recipe.first_seed, "exploration_sigma_rad": sigma}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
