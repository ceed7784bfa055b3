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
from numpy.typing import NDArray
from torch import nn

from dp_accel_ros.bundle import Bundle, StoreArrays, write_bundle
from dp_accel_ros.data.episodes import Episodes
from dp_accel_ros.data.published import RECORDINGS
from dp_accel_ros.predict.retrieval.base import cosine
from dp_accel_ros.predict.retrieval.held_out import nearest_elsewhere
from dp_accel_ros.sim import TASKS
from dp_accel_ros.train.export import Parity, export, with_noise
from dp_accel_ros.train.export_denoiser import export_denoiser
from dp_accel_ros.train.export_parts import put_trained
from dp_accel_ros.train.keys import key_scale, ood_threshold, window_keys
from dp_accel_ros.train.onnx_quantize import QuantisationError
from dp_accel_ros.train.workshop import Recipe, Workshop

MADE = ("recipes", "measured")
"""What is told of each network."""

N_SAMPLES = 16
"""Demonstration frames, and as many random inputs, on which ONNX and torch are compared."""


def assemble(shop: Workshop, out: Path, *, with_store: bool = True) -> Bundle:
    """Export the networks of a workshop, write the bundle and return it as loading finds it.

    A policy that learned from recordings of others gets its own successes for a store, or none
    as long as these are not complete.
    """
    encoder, alt_encoder = shop.encoder(), shop.alt_encoder()
    features, alt_keys = shop.encoded(encoder), shop.encoded(alt_encoder)
    keys = window_keys(features, shop.demonstrations().ends, shop.recipe.diffusion.windows)
    denoiser = export_denoiser(shop, keys)
    parities = [*_export_encoders(shop, encoder, alt_encoder), *denoiser.parities]
    arrays = _store(shop, keys, alt_keys) if with_store else None
    dims = {"feature_dim": features.shape[1]}
    facts = {
        **_robot_facts(shop),
        "encoder": {"file": "encoder.onnx", **dims},
        "alt_encoder": {"file": "alt_encoder.onnx", "feature_dim": alt_keys.shape[1]},
        "denoiser": denoiser.facts | dims,
        **({} if arrays is None else {"retrieval": _retrieval_facts(shop, arrays)}),
        "provenance": _provenance(shop, arrays, parities, denoiser.int8_error),
    }
    files = [*(parity.file for parity in parities), denoiser.int8_error.file]
    networks = {name: shop.path / "onnx" / name for name in files}
    return put_trained(shop, write_bundle(out, facts, arrays, networks))


def _store(
    shop: Workshop, keys: NDArray[np.float32], alt_keys: NDArray[np.float32]
) -> StoreArrays | None:
    """Return the retrieval store; the keys are those of the demonstrations."""
    # What somebody else recorded may teach the networks, but is not ours to pass on.
    if shop.recipe.recordings is not None:
        return shop.successes.store() if shop.successes.complete else None
    episodes = shop.demonstrations()
    ends = episodes.ends[: shop.recipe.n_stored]
    rows = slice(int(ends[-1]))
    return StoreArrays(episodes.rows("action")[rows], ends, keys[rows], alt_keys[rows])


def _retrieval_facts(shop: Workshop, arrays: StoreArrays) -> dict[str, Any]:
    distance = nearest_elsewhere(arrays.alt_keys, arrays.episode_ends).distances[:, 0]
    facts = shop.demonstrations().attributes
    # learned features have no names by which to weigh them
    named = shop.recipe.from_state or shop.recipe.perception.objective == "state"
    scale = key_scale(facts["state_names"], len(facts["joints"])) if named else None
    gamma = ood_threshold(cosine(distance))
    return {
        "actions": "actions.npy",
        "episode_ends": "episode_ends.npy",
        "keys": "keys.npy",
        **({} if scale is None else {"key_scale": scale}),
        "alt_keys": "alt_keys.npy",
        "alt_threshold": round(gamma, 4),
    }


def _robot_facts(shop: Workshop) -> dict[str, Any]:
    task, shape = TASKS[shop.recipe.task](), shop.recipe.diffusion.windows
    episodes = shop.demonstrations()
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


def _export_encoders(
    shop: Workshop, encoder: nn.Module, alt_encoder: nn.Module
) -> tuple[Parity, Parity]:
    rng, folder = np.random.default_rng(0), shop.path / "onnx"
    episodes = shop.demonstrations()
    rows = np.sort(rng.choice(episodes.n_frames, N_SAMPLES, replace=False))
    from_state = shop.recipe.from_state
    images = {
        name: with_noise(episodes.arrays[f"img_{name}"].oindex[rows], rng)
        for name in ([] if from_state else episodes.attributes["cameras"])
    }
    measured = shop.joints().normalize(episodes.arrays["joint_position"].oindex[rows])
    seen = {**images, "joints": with_noise(measured, rng)}
    if from_state:
        seen["state"] = with_noise(episodes.arrays["state"].oindex[rows], rng)
    return (
        export(encoder, seen, "features", folder / "encoder.onnx"),
        export(alt_encoder, seen, "features", folder / "alt_encoder.onnx"),
    )


def _provenance(
    shop: Workshop,
    arrays: StoreArrays | None,
    parities: Sequence[Parity],
    int8_error: QuantisationError,
) -> dict[str, Any]:
    recipe, episodes = shop.recipe, shop.demonstrations()
    # Those of the other networks are added with them.
    networks = [shop.run(name).made for name in shop.trained if shop.run(name).complete]
    packages = ("dp_accel_ros", "torch", "onnx", "onnxruntime", "mujoco", "numpy")
    return {
        "command": _command(recipe),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in packages},
        "observe": recipe.observe,
        "demonstrations": _demonstration_facts(recipe, episodes),
        "retrieval": _store_facts(shop, arrays),
        **{key: {k: v for made in networks for k, v in made[key].items()} for key in MADE},
        "onnx_max_abs_error": {parity.file: parity.max_abs_error for parity in parities},
        "int8_relative_rms_error": round(int8_error.relative_rms, 5),
    }


def _command(recipe: Recipe) -> str:
    recordings = "" if recipe.recordings is None else f" --recordings {recipe.recordings.name}"
    stored = "" if recipe.n_stored is None else f" --stored {recipe.n_stored}"
    return f"dp-accel build --task {recipe.task} --observe {recipe.observe}{recordings}{stored}"


def _demonstration_facts(recipe: Recipe, episodes: Episodes) -> dict[str, Any]:
    size = {"episodes": episodes.n_episodes, "frames": episodes.n_frames}
    if recipe.recordings is not None:
        whose = RECORDINGS[recipe.task]
        origin = {"source": whose.source, "licence": whose.licence}
        return {**size, "recordings": recipe.recordings.name, **origin}
    sigma = recipe.exploration.sigma_rad
    return {**size, "first_seed": recipe.first_seed, "exploration_sigma_rad": sigma}


def _store_facts(shop: Workshop, arrays: StoreArrays | None) -> dict[str, Any]:
    if arrays is None:
        return {"from": "nothing: the bundle has no store"}
    size = {"episodes": len(arrays.episode_ends), "frames": len(arrays.actions)}
    if shop.recipe.recordings is not None:
        return {**size, **shop.successes.provenance}
    return {**size, "from": "the demonstrations"}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
