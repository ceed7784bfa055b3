# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from dp_accel_ros.train.state_encoder import (
    StateEncoder,
    StateKeys,
    kernel_length,
    orthogonal_frequencies,
)

RNG = np.random.default_rng(0)
MEAN, DEVIATION = np.float32([0.3, -0.2, 0.5]), np.float32([0.1, 0.2, 0.05])
JOINTS = torch.from_numpy(RNG.uniform(-1, 1, (200, 2)).astype(np.float32))
STATE = torch.from_numpy((MEAN + DEVIATION * RNG.normal(size=(200, 3))).astype(np.float32))


def keys(length: float, n_frequencies: int = 64) -> np.ndarray:
    network = StateKeys(StateEncoder(MEAN, DEVIATION), 5, length, n_frequencies)
    return network(JOINTS, STATE).numpy()


def distances() -> np.ndarray:
    features = StateEncoder(MEAN, DEVIATION)(JOINTS, STATE).numpy()
    return np.linalg.norm(features[:, None] - features, axis=-1)


def test_features_are_the_standardised_state_and_then_the_joints():
    features = StateEncoder(MEAN, DEVIATION)(JOINTS, STATE).numpy()
    np.testing.assert_allclose(features[:, :3] * DEVIATION + MEAN, STATE.numpy(), atol=1e-6)
    np.testing.assert_array_equal(features[:, 3:], JOINTS.numpy())


def test_keys_have_norm_one():
    np.testing.assert_allclose(np.linalg.norm(keys(2.0), axis=1), 1.0, atol=1e-5)


def test_the_cosine_of_keys_is_a_gaussian_of_the_distance_of_features():
    expected = np.exp(-(distances() ** 2) / (2 * 2.0**2))
    error = np.abs(keys(2.0, 2000) @ keys(2.0, 2000).T - expected)
    assert error.max() < 0.06
    assert np.abs(keys(2.0) @ keys(2.0).T - expected).mean() < 0.06


def test_the_nearest_key_is_nearly_the_nearest_state():
    apart, alike = distances() + 1e3 * np.eye(200), keys(1.5) @ keys(1.5).T - 1e3 * np.eye(200)
    found = apart[np.arange(200), alike.argmax(1)]
    assert np.median(found / apart.min(1)) < 1.15


def test_scaling_features_to_norm_one_would_call_far_states_alike():
    """Why the keys are what they are: states on one ray from the mean differ, and so do keys."""
    encoder = StateEncoder(np.zeros(3, np.float32), np.ones(3, np.float32))
    near, far = torch.full((1, 3), 0.2), torch.full((1, 3), 3.0)
    a, b = (StateKeys(encoder, 5, 2.0)(torch.zeros(1, 2), s).numpy()[0] for s in (near, far))
    assert a @ b < 0.3


def test_orthogonal_frequencies_err_less_than_independent_ones():
    expected = np.exp(-(distances() ** 2) / 2)
    features = StateEncoder(MEAN, DEVIATION)(JOINTS, STATE).numpy()

    def error(frequencies: np.ndarray) -> float:
        waves = np.exp(1j * features @ frequencies)
        return float(
            np.abs((waves @ waves.conj().T).real / frequencies.shape[1] - expected).mean()
        )

    independent = [np.random.default_rng(s).normal(size=(5, 64)) for s in range(8)]
    orthogonal = [orthogonal_frequencies(5, 64, seed) for seed in range(8)]
    assert np.mean([error(f) for f in orthogonal]) < np.mean([error(f) for f in independent])


def test_the_length_gives_nearest_frames_elsewhere_a_similarity_of_nine_tenths():
    length = kernel_length(np.float32([0.3, 0.5, 0.9]))
    assert np.exp(-(0.5**2) / (2 * length**2)) == pytest.approx(0.9, abs=1e-6)
