# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A trained denoiser as files: the half that runs once a condition, and the rest, twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dp_accel_ros.data.windows import frame_windows
from dp_accel_ros.predict.networks.torch_transformer import (
    Conditioner,
    Decoder,
    DenoisingTransformer,
)
from dp_accel_ros.predict.schedule import squared_cosine
from dp_accel_ros.train.export import Parity, export
from dp_accel_ros.train.onnx_half import rounded_to_half, store_in_half
from dp_accel_ros.train.onnx_quantize import QuantisationError, quantise
from dp_accel_ros.train.workshop import Workshop

Inputs = tuple[Tensor, Tensor, Tensor]
"""x, (N, T, Da), its times, (N,), and conditions, (N, To, C)."""

N_SAMPLES = 256
"""Noised chunks for the ranges of int8, and as many to measure its error on."""


@dataclass(frozen=True, slots=True)
class ExportedDenoiser:
    """What the manifest and the provenance say of it."""

    facts: dict[str, Any]
    parities: list[Parity]
    int8_error: QuantisationError


def export_denoiser(shop: Workshop, keys: NDArray[np.float32]) -> ExportedDenoiser:
    """Write `conditioner.onnx`, `denoiser.onnx` and `denoiser_int8.onnx` into the workshop.

    Args:
        shop: Holds the trained denoiser and the demonstrations.
        keys: Conditions of every frame, flattened, (N, To * C).
    """
    conditions = keys.reshape(len(keys), shop.recipe.diffusion.windows.n_obs_steps, -1)
    seen, held_out = (noised(shop, conditions, np.random.default_rng(n)) for n in (0, 1))
    names = ("conditioner.onnx", "denoiser.onnx", "denoiser_int8.onnx")
    network, folder = shop.denoiser(conditions.shape[-1]), shop.path / "onnx"
    return export_halves(network, seen, held_out, [folder / name for name in names])


def export_halves(
    network: DenoisingTransformer, seen: Inputs, held_out: Inputs, paths: Sequence[Path]
) -> ExportedDenoiser:
    """Write a network as conditioner, decoder and decoder in int8.

    All three are of the network with its weights rounded to half precision, in which they are kept.

    Args:
        network: The trained network.
        seen: What the network takes, (N, ...) each, to compare with torch and for ranges of int8.
        held_out: As many inputs again, on which the error of int8 is measured.
        paths: The three files.
    """
    network, (conditioner, decoder, decoder_int8) = rounded_to_half(network.cpu().eval()), paths
    with torch.no_grad():
        memories = [network.memory(t, cond) for _, t, cond in (seen, held_out)]
    given = {"t": seen[1], "cond": seen[2]}
    feeds = [
        {"x": inputs[0], "memory": memory}
        for inputs, memory in zip((seen, held_out), memories, strict=True)
    ]
    parities = [
        export(Conditioner(network), given, "memory", conditioner),
        export(Decoder(network), feeds[0], "eps", decoder),
    ]
    error = quantise(
        decoder,
        decoder_int8,
        *({name: rows.numpy() for name, rows in feed.items()} for feed in feeds),
    )
    # only now: int8 is made of products with float32 constants
    for path in (conditioner, decoder):
        store_in_half(path)
    facts = {
        "file": parities[1].file,
        "int8_file": error.file,
        "conditioner": parities[0].file,
        "memory_dim": memories[0].shape[-1],
    }
    return ExportedDenoiser(facts, parities, error)


def noised(shop: Workshop, conditions: NDArray[np.float32], rng: np.random.Generator) -> Inputs:
    """Return chunks, (N, T, Da), noised to random times, (N,), under conditions, (N, To, C)."""
    data, recipe = shop.diffusion_data(), shop.recipe.diffusion
    schedule = squared_cosine(recipe.num_train_timesteps)
    frames = rng.choice(len(conditions), N_SAMPLES)
    clean = data.actions[frame_windows(data.ends, recipe.windows).index[frames]]
    levels = rng.integers(len(schedule), size=N_SAMPLES)
    alpha, sigma = (v[levels, None, None] for v in (schedule.alphas, schedule.sigmas))
    noised = alpha * clean + sigma * rng.standard_normal(clean.shape)
    arrays = (noised, schedule.network_times[levels], conditions[frames])
    x, t, cond = (torch.from_numpy(np.asarray(array, np.float32)) for array in arrays)
    return x, t, cond
