# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The theorem's bound, and what trajectories do: golden numbers for a Gaussian policy."""

from __future__ import annotations

import numpy as np
import pytest
from toy_networks import SCHEDULE, GaussianNetwork, denoise_with, noise

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.redi.expansion import (
    expansion_bound,
    expansion_factors,
    lipschitz_estimate,
)
from dp_accel_ros.predict.samplers import Ddim

STD = 0.3
DDIM = Ddim.spaced(SCHEDULE, 100)
LEVELS = (*DDIM.levels[10:80], DDIM.levels[80])
RNG = np.random.default_rng(0)
SHAPE = (4, 5)


def flow_of(denoise):
    """Return the flow from the state after 10 steps to that after 80."""
    return lambda x: DDIM.first(80).last(70).sample(denoise, x, RNG)


def gaussian_lipschitz(levels=LEVELS[:-1]) -> np.ndarray:
    """Of the exact noise estimate for chunks N(mean, STD²): sigma / (alpha² STD² + sigma²)."""
    alpha, sigma = SCHEDULE.alphas[list(levels)], SCHEDULE.sigmas[list(levels)]
    return sigma / (alpha**2 * STD**2 + sigma**2)


class RandomNetwork:
    """Predicts weights @ tanh(other weights @ x): Lipschitz with the product of their norms."""

    def __init__(self, seed: int) -> None:
        rng, size = np.random.default_rng(seed), SHAPE[0] * SHAPE[1]
        self.inner, self.outer = rng.normal(size=(2, size, size)) / size**0.5
        self.lipschitz = np.linalg.norm(self.outer, 2) * np.linalg.norm(self.inner, 2)

    def __call__(self, x, t, cond):
        shift = cond.mean(axis=(1, 2))[:, None]
        hidden = np.tanh(x.reshape(len(x), -1) @ self.inner.T + shift)
        return (hidden @ self.outer.T).reshape(x.shape)


def test_for_a_gaussian_the_value_is_as_far_as_the_formula_says():
    network = denoise_with(GaussianNetwork(0.2, STD), clip=False)
    keys, queries = noise(3, *SHAPE).astype(float), noise(3, *SHAPE, seed=1).astype(float)
    flow = flow_of(network)
    apart = np.linalg.norm(flow(queries) - flow(keys)) / np.linalg.norm(queries - keys)
    assert apart == pytest.approx(0.429710, abs=2e-6)


def test_the_measured_expansion_is_that_of_the_formula():
    network = denoise_with(GaussianNetwork(0.2, STD), clip=False)
    measured = expansion_factors(flow_of(network), noise(6, *SHAPE).astype(float), RNG)
    np.testing.assert_allclose(measured, 0.429710, rtol=1e-3)


def test_the_bound_of_the_gaussian_is_a_hundred_times_what_happens():
    assert expansion_bound(SCHEDULE, LEVELS, gaussian_lipschitz()) == pytest.approx(77.6, abs=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_the_bound_holds_for_random_lipschitz_networks(seed: int):
    network = RandomNetwork(seed)
    keys = noise(20, *SHAPE, seed=seed).astype(float)
    queries = keys + 0.1 * noise(20, *SHAPE, seed=seed + 50)
    flow = flow_of(denoise_with(network, clip=False))
    before = np.linalg.norm((queries - keys).reshape(20, -1), axis=1)
    after = np.linalg.norm((flow(queries) - flow(keys)).reshape(20, -1), axis=1)
    assert (after <= before * expansion_bound(SCHEDULE, LEVELS, network.lipschitz)).all()


def test_a_bound_with_too_small_a_constant_is_broken():
    """What keeps the test above honest: without the network's part the bound is not one."""
    broken = False
    for seed in range(5):
        network = RandomNetwork(seed)
        flow = flow_of(denoise_with(lambda x, t, c, net=network: -net(3 * x, t, c), clip=False))
        factors = expansion_factors(flow, noise(20, *SHAPE, seed=seed).astype(float), RNG)
        broken |= bool((factors > expansion_bound(SCHEDULE, LEVELS, 0.0)).any())
    assert broken


def test_the_bound_holds_between_two_conditions():
    network, keys = RandomNetwork(7), noise(20, *SHAPE).astype(float)
    queries = keys + 0.05 * noise(20, *SHAPE, seed=1)

    def flow_under(shift):
        return flow_of(denoise_with(lambda x, t, c: network(x, t, c + shift), clip=False))

    gap = np.linalg.norm(network.outer, 2) * 0.1 * 20**0.5  # tanh moves by the shift at most
    before = np.linalg.norm((queries - keys).reshape(20, -1), axis=1)
    after = flow_under(0.1)(queries) - flow_under(0.0)(keys)
    far = np.linalg.norm(after.reshape(20, -1), axis=1)
    bounds = [expansion_bound(SCHEDULE, LEVELS, network.lipschitz, d, gap) for d in before]
    assert (far <= bounds).all()
    assert expansion_bound(SCHEDULE, LEVELS, 1.0, 0.0, 1.0) > 0


def test_the_lipschitz_estimate_of_a_gaussian_is_its_constant():
    network, level = GaussianNetwork(0.2, STD), 40
    times = np.full(3, level, np.float32)
    found = lipschitz_estimate(
        lambda x: network(x, times, np.zeros((3, 1, 1))), noise(3, *SHAPE).astype(float), RNG
    )
    assert found == pytest.approx(gaussian_lipschitz([level])[0], rel=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_the_lipschitz_estimate_never_exceeds_the_constant(seed: int):
    network = RandomNetwork(seed)
    none = np.zeros((8, 1, 1))
    found = lipschitz_estimate(
        lambda x: network(x, None, none), noise(8, *SHAPE, seed=seed).astype(float), RNG
    )
    assert 0.2 * network.lipschitz < found <= network.lipschitz * (1 + 1e-6)


def test_levels_that_rise_are_refused():
    with pytest.raises(ConfigError, match=r"`levels` must fall and be at least two, got \(3, 5\)"):
        expansion_bound(SCHEDULE, (3, 5), 1.0)
