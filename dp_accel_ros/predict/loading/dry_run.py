# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Every network run once while loading: sizes that a file leaves open show only then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.bundle import Bundle
from dp_accel_ros.errors import BackendError, BundleError
from dp_accel_ros.manifest.parts import Denoiser as NetworkFacts
from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.loading.networks import file_of
from dp_accel_ros.predict.policy import Policy

UNIT_TOLERANCE = 1e-3
"""Largest error of an embedding's norm; cosine similarity is computed as if it were 1."""


def run_every_network(policy: Policy, bundle: Bundle) -> None:
    """Run the networks of a policy once, on two rows.

    Raises:
        BundleError: One fails, or gives another shape, NaN, or embeddings of another norm than 1.
    """
    facts = policy.manifest
    features = _run(
        bundle.file(facts.encoder.file),
        lambda: policy.encoders["policy"].encode(*_frames(policy)),
        (2, facts.encoder.feature_dim),
    )
    embeddings = _run(
        path := bundle.file(facts.alt_encoder.file),
        lambda: policy.encoders["alt"].encode(*_frames(policy)),
        (2, facts.alt_encoder.feature_dim),
    )
    worst = float(np.abs(np.linalg.norm(embeddings, axis=1) - 1.0).max())
    if worst > UNIT_TOLERANCE:
        raise BundleError(f"{path}: expected embeddings of norm 1, one is off by {worst:.3g}")
    # Two rows, because a batch size that an export fixed to 1 shows only then.
    chunk = np.zeros((2, facts.horizon, len(facts.joints)), np.float32)
    condition = np.repeat(features[:, None], facts.n_obs_steps, axis=1)  # (2, To, C)
    for network, denoiser in _denoisers(policy):
        # The smallest and the largest time that the network will ever be told.
        times = denoiser.schedule.network_times[[0, -1]]
        _run(
            file_of(bundle, network, policy.precision),
            lambda denoiser=denoiser, times=times: denoiser.network(chunk, times, condition),
            chunk.shape,
        )


def _denoisers(policy: Policy) -> Iterator[tuple[NetworkFacts, Denoiser]]:
    facts = policy.manifest
    yield facts.denoiser, policy.denoiser
    if facts.drafter is not None and policy.drafter is not None:
        yield facts.drafter, policy.drafter
    for section, denoiser in ((facts.edm, policy.edm), (facts.consistency, policy.consistency)):
        if section is not None and denoiser is not None:
            yield section, denoiser


def _frames(
    policy: Policy,
) -> tuple[dict[str, NDArray[np.uint8]], NDArray[np.float32], NDArray[np.float32] | None]:
    facts = policy.manifest
    images = {
        camera.name: np.full((2, camera.height, camera.width, 3), 128, np.uint8)
        for camera in facts.cameras
    }
    state = np.ones((2, len(facts.state)), np.float32) if facts.state else None
    return images, np.zeros((2, len(facts.joints)), np.float32), state


def _run(
    path: Path, network: Callable[[], NDArray[np.float32]], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    try:
        output = network()
    except BackendError as error:
        raise BundleError(f"{path}: fails on a plain grey observation: {error}") from error
    if output.shape != shape:
        raise BundleError(f"{path}: expected an output {shape}, got {output.shape}")
    if not np.isfinite(output).all():
        raise BundleError(f"{path}: gives NaN or infinity for a plain grey observation")
    return output
