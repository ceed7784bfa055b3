# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""How far RAGDP leaps when a bound on total variation decides, and whether the bound holds."""

from __future__ import annotations

from functools import cache
from statistics import NormalDist

import numpy as np
import pytest
from gmm_policy import Mixture
from same_law import variation
from scipy.spatial.distance import cdist
from toy_networks import SCHEDULE

from dp_accel_ros.bundle import StoreArrays
from dp_accel_ros.errors import ConfigError
from dp_accel_ros.observe.normalizer import Normalizer
from dp_accel_ros.predict.methods import Diffusion, Ragdp
from dp_accel_ros.predict.methods.leap import LeapBound, steps_within
from dp_accel_ros.predict.retrieval import NumpyIndex, RetrievalStore
from dp_accel_ros.predict.retrieval.distance_curve import DistanceCurve
from dp_accel_ros.predict.samplers import Ddpm
from dp_accel_ros.predict.stages import StageTimes

LEVELS = list(range(99, -1, -1))
DISTANCES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
TABLE = [
    (0.01, (43, 71, 85, 92, 97, 99)),
    (0.05, (10, 24, 43, 65, 85, 92)),
    (0.1, (5, 12, 24, 43, 71, 85)),
    (0.2, (2, 6, 12, 24, 50, 70)),
]
RATIOS = (0.0, 0.3, 0.5, 0.75, 0.9, 0.95)
N_CHAINS = 4000


@pytest.mark.parametrize(("tolerance", "expected"), TABLE)
def test_the_steps_that_remain_are_those_of_the_table(tolerance: float, expected):
    found = steps_within(SCHEDULE, LEVELS, np.array(DISTANCES), tolerance)
    assert found.tolist() == list(expected)


def test_a_farther_chunk_or_a_stricter_tolerance_never_leaps_further():
    distances = np.geomspace(1e-3, 1e3, 60)
    steps = [steps_within(SCHEDULE, LEVELS, distances, t) for t in np.linspace(0.001, 0.999, 30)]
    assert (np.diff(steps, axis=1) >= 0).all()
    assert (np.diff(steps, axis=0) <= 0).all()


def test_a_chunk_of_which_nothing_is_known_starts_from_noise():
    assert steps_within(SCHEDULE, LEVELS, np.array([np.inf]), 0.5).tolist() == [100]


def test_an_exact_chunk_leaves_one_step():
    assert steps_within(SCHEDULE, LEVELS, np.array([0.0]), 0.01).tolist() == [1]


@pytest.mark.parametrize("tolerance", [0.0, 1.0])
def test_a_tolerance_that_allows_nothing_or_all_is_refused(tolerance: float):
    with pytest.raises(ConfigError, match="`tolerance` must be between 0 and 1"):
        LeapBound(DistanceCurve(np.ones(1), np.ones(1)), tolerance)


# Total variation between the chunks after a leap and the base sampler's, on an exact policy.


def _ragdp(mixture: Mixture, chunks: np.ndarray, leap, keys=None, neighbours=1) -> Ragdp:
    """Return RAGDP over chunks (N, D); all keys are 0 unless given, (N, 1)."""
    horizon, n_joints = mixture.chunk_shape
    n = len(chunks)
    arrays = StoreArrays(
        chunks.reshape(-1, n_joints).astype(np.float32),
        np.arange(1, n + 1) * horizon,
        np.repeat(np.zeros((n, 1)) if keys is None else keys, horizon, axis=0).astype(np.float32),
        np.eye(1, dtype=np.float32).repeat(n * horizon, axis=0),
    )
    unit = Normalizer.between(np.full(n_joints, -1.0), np.full(n_joints, 1.0))
    store = RetrievalStore.build(
        arrays, action_normalizer=unit, index=NumpyIndex, horizon=horizon, n_obs_steps=1
    )
    sampler = Ddpm(SCHEDULE, tuple(LEVELS))
    base = Diffusion("ddpm", mixture.denoiser(), sampler, (horizon, n_joints))
    if isinstance(leap, LeapBound):
        return Ragdp(base, store, 0.0, neighbours, leap)
    return Ragdp(base, store, leap, neighbours)


def _run(method: Ragdp, n: int, seed: int = 0, key: float = 0.0):
    condition = np.full((n, 1, 1), key, np.float32)
    rng = np.random.default_rng(seed)
    return method.act(condition, rng, [None] * n, StageTimes())


def _energy(chunks: np.ndarray, base: np.ndarray) -> float:
    ours, other = chunks[:2000], base[:2000]
    return float(
        2 * cdist(ours, other).mean() - cdist(ours, ours).mean() - cdist(other, other).mean()
    )


@cache
def _leaps() -> tuple[list[np.ndarray], np.ndarray, float, np.ndarray]:
    """Return chunks per leap ratio, the base sampler's, what equal laws differ by, and the chunk."""
    mixture = Mixture.of_size(2)
    base, again = (mixture.base_run(N_CHAINS, seed) for seed in (1, 2))
    retrieved = mixture.base_run(1, 3)
    chunks = [_run(_ragdp(mixture, retrieved, r), N_CHAINS).actions.reshape(-1, 2) for r in RATIOS]
    # Two samples of one law differ by chance; other pairs by a little more than this one.
    return chunks, base, 1.5 * variation(again, base), retrieved


def _bound(ratio: float, distances: np.ndarray) -> float:
    alpha, sigma = SCHEDULE.at(round((1 - ratio) * 100) - 1)
    cdf = NormalDist().cdf
    return float(np.mean([2 * cdf(alpha / sigma * d / 2) - 1 for d in distances]))


@pytest.mark.parametrize("at", range(len(RATIOS)), ids=[f"r={r}" for r in RATIOS])
def test_the_measured_variation_is_within_the_bound(at: int):
    chunks, base, null, retrieved = _leaps()
    bound = _bound(RATIOS[at], np.linalg.norm(base - retrieved, axis=1)[:2000])
    assert variation(chunks[at], base) <= bound + null


def test_the_bound_says_something():
    """Some leap differs from the base by a good part of what the bound allows."""
    chunks, base, null, retrieved = _leaps()
    distances = np.linalg.norm(base - retrieved, axis=1)[:2000]
    shares = [
        (variation(c, base) - null) / _bound(r, distances)
        for c, r in zip(chunks[1:], RATIOS[1:], strict=True)
    ]
    assert max(shares) > 0.5


def test_a_longer_leap_differs_more():
    chunks, base, null, _ = _leaps()
    variations = np.array([variation(c, base) for c in chunks])
    energies = np.array([_energy(c, base) for c in chunks])
    assert (np.diff(variations) > -null).all()
    assert (np.diff(energies) > -0.005).all()
    assert variations[-1] > 0.5 > 3 * null > variations[0]


def test_the_leap_of_the_bound_stays_within_its_tolerance():
    """The distance is calibrated as its mean; by Jensen that is enough."""
    mixture = Mixture.of_size(2)
    _, base, null, retrieved = _leaps()
    mean = np.linalg.norm(base - retrieved, axis=1).mean()
    for tolerance in (0.1, 0.3, 0.6):
        leap = LeapBound(DistanceCurve(np.ones(1), np.array([mean])), tolerance)
        proposal = _run(_ragdp(mixture, retrieved, leap), N_CHAINS)
        assert proposal.costs[0].nfe < 100
        assert variation(proposal.actions.reshape(-1, 2), base) <= tolerance + null


def test_a_leap_from_the_mean_of_one_mode_narrows_it_by_what_the_gaussian_chain_says():
    """One Gaussian: the chain is linear, so the spread at its end follows from that at its start."""
    mixture = Mixture(np.full((1, 20), 0.2), weights=(1.0,))
    spreads = {}
    for ratio in (0.5, 0.75, 0.95):
        method = _ragdp(mixture, mixture.means, ratio)
        chunks = _run(method, 2000).actions.reshape(-1, 20)
        n = round((1 - ratio) * 100)
        expected = _chain_std(SCHEDULE.at(n - 1)[1], n, mixture.std)
        assert np.abs(chunks.mean(axis=0) - 0.2).max() < 5 * expected / 2000**0.5
        assert chunks.std() == pytest.approx(expected, rel=0.02)
        spreads[ratio] = expected
    base = _chain_std(1.0, 100, mixture.std)
    assert mixture.base_run(2000, 0).std() == pytest.approx(base, rel=0.02)
    # W2 between Gaussians of one mean, per number: the gap of their standard deviations.
    gaps = [base - spread for spread in spreads.values()]
    assert 0 < gaps[0] < gaps[1] < gaps[2]


def _chain_std(std: float, n: int, clean_std: float) -> float:
    """Return the spread of a chunk after the last `n` ancestral steps from noise of spread `std`."""
    bar = np.append(1.0, SCHEDULE.alphas**2)  # alpha_bar of "clean", level 0, level 1, ...
    variance = std**2
    for t in range(n, 0, -1):
        beta = 1 - bar[t] / bar[t - 1]
        gain = np.sqrt(bar[t]) * clean_std**2 / (bar[t] * clean_std**2 + 1 - bar[t])
        of_clean = np.sqrt(bar[t - 1]) * beta / (1 - bar[t])
        of_x = np.sqrt(1 - beta) * (1 - bar[t - 1]) / (1 - bar[t])
        noise = beta * (1 - bar[t - 1]) / (1 - bar[t])
        variance = (of_clean * gain + of_x) ** 2 * variance + noise
    return float(np.sqrt(variance))


# Two modes: one neighbour keeps its own, several keep the mix of the demonstrations nearby.

TWO = Mixture(np.stack([np.full(20, -0.4), np.full(20, 0.4)]), weights=(0.6, 0.4))
N_DEMONSTRATIONS = 300


@cache
def _demonstrations() -> tuple[np.ndarray, np.ndarray]:
    """Return keys (N, 1) and chunks (N, 20) of demonstrations that chose a mode at random."""
    rng = np.random.default_rng(4)
    keys = rng.uniform(-1, 1, (N_DEMONSTRATIONS, 1))
    modes = (rng.uniform(size=N_DEMONSTRATIONS) < 0.4).astype(int)
    chunks = TWO.means[modes] + TWO.std * rng.normal(size=(N_DEMONSTRATIONS, 20))
    return keys, chunks + 0.1 * np.tanh(keys)


def _first_mode_share(chunks: np.ndarray) -> float:
    return float((chunks.reshape(len(chunks), -1).mean(axis=1) < 0).mean())


@pytest.mark.parametrize("ratio", [0.75, 0.9])
def test_one_neighbour_keeps_one_mode_only(ratio: float):
    keys, chunks = _demonstrations()
    method = _ragdp(TWO, chunks, ratio, keys)
    share = _first_mode_share(_run(method, 2000, key=0.1).actions)
    assert max(share, 1 - share) > 0.95


@pytest.mark.parametrize("ratio", [0.5, 0.75, 0.9])
def test_twenty_neighbours_keep_the_mix_of_the_nearest_demonstrations(ratio: float):
    keys, chunks = _demonstrations()
    horizon = TWO.chunk_shape[0]
    # Each demonstration has as many rows as a chunk has steps, all with its key.
    method = _ragdp(TWO, chunks, ratio, keys, neighbours=20 * horizon)
    local = _first_mode_share(chunks[np.argsort(np.abs(keys[:, 0] - 0.1))[:20]])
    assert 0.3 < local < 0.8
    share = _first_mode_share(_run(method, 2000, key=0.1).actions)
    assert share == pytest.approx(local, abs=0.08)


# Rows of one batch that leap differently far.

CURVE = DistanceCurve(np.array([0.1, 0.5, 2.0]), np.array([0.05, 0.2, 1.0]))


def _mixed_batch(seed: int = 0):
    mixture, leap = Mixture.of_size(20), LeapBound(CURVE, 0.2)
    method = _ragdp(mixture, mixture.base_run(1, 3), leap)
    condition = np.array([0.05, 1.0, 0.3, 9.0, 0.05], np.float32)[:, None, None]
    rng = np.random.default_rng(seed)
    return method, condition, method.act(condition, rng, [None] * 5, StageTimes())


def test_each_row_leaps_as_far_as_its_own_key_allows():
    _, _, proposal = _mixed_batch()
    assert [cost.nfe for cost in proposal.costs] == [6, 70, 24, 100, 6]
    assert [cost.leap_ratio for cost in proposal.costs] == pytest.approx(
        [0.94, 0.3, 0.76, 0, 0.94]
    )


def test_a_row_too_far_from_all_demonstrations_is_the_base_sampler():
    method, condition, proposal = _mixed_batch()
    assert proposal.costs[3].exactness == "the base sampler"
    assert proposal.costs[3].match is None
    alone, base = (
        m.act(condition[3:4], np.random.default_rng(7), [None], StageTimes()).actions
        for m in (method, method.base)
    )
    np.testing.assert_array_equal(alone, base)


def test_every_row_of_a_mixed_batch_is_a_chunk_of_its_condition():
    mixture = Mixture.of_size(20)
    _, condition, proposal = _mixed_batch()
    shift = 0.1 * np.tanh(condition[:, 0, 0])[:, None]
    apart = proposal.actions.reshape(5, 1, 20) - (mixture.means + shift[:, None])
    nearest = np.linalg.norm(apart, axis=2).min(axis=1)
    assert (nearest < 20**0.5 * 3 * mixture.std).all()
