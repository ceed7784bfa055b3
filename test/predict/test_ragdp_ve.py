# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""RAGDP where noise is only added: with an EDM teacher and with a consistency student."""

from __future__ import annotations

import numpy as np
import pytest
from edm_policy import LEVELS, GaussianStudent, VeMixture
from scipy import stats
from toy_networks import CountingNetwork, noise

from dp_accel_ros.bundle import StoreArrays
from dp_accel_ros.observe.normalizer import Normalizer
from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.methods import Diffusion, Ragdp
from dp_accel_ros.predict.retrieval import NumpyIndex, RetrievalStore
from dp_accel_ros.predict.samplers import SAMPLERS
from dp_accel_ros.predict.stages import StageTimes

N_ROWS, SHAPE = 60, (8, 4)
KEYS = noise(N_ROWS, 6)
CONDITION = KEYS[:3].reshape(3, 2, 3)
PREDICTION_TYPES = {"heun": "edm", "consistency": "consistency"}
BOTH_SOLVERS = pytest.mark.parametrize("solver", PREDICTION_TYPES)

# Leap ratio, sigma of the first remaining step, steps that remain of 79.
TABLE = [
    (0.5, 3.86, 39),
    (0.75, 0.480, 20),
    (0.875, 0.117, 10),
    (0.9, 0.0851, 8),
    (0.95, 0.0428, 4),
]


def _store() -> RetrievalStore:
    actions = np.tanh(noise(N_ROWS, 4, seed=5))
    arrays = StoreArrays(actions, np.array([20, N_ROWS]), KEYS, np.eye(N_ROWS, dtype=np.float32))
    unit = Normalizer.between(np.full(4, -1.0), np.full(4, 1.0))
    return RetrievalStore.build(
        arrays, action_normalizer=unit, index=NumpyIndex, horizon=SHAPE[0], n_obs_steps=2
    )


def _smooth(x, t, cond):
    return np.tanh(x + t[:, None, None] / 10 + cond.mean(axis=(1, 2))[:, None, None])


def _base(solver: str, network=_smooth, n_steps: int | None = None) -> Diffusion:
    denoiser = Denoiser(network, LEVELS, PREDICTION_TYPES[solver])
    sampler = SAMPLERS[solver].spaced(LEVELS, n_steps or {"heun": 79}.get(solver, 1))
    return Diffusion(solver, denoiser, sampler, SHAPE, initial_sigma=80.0)


def _ragdp(ratio: float, solver: str, network=_smooth, n_steps: int | None = None) -> Ragdp:
    return Ragdp(_base(solver, network, n_steps), _store(), ratio, 1)


def _act(method, condition=CONDITION, rng=None):
    rng = rng or np.random.default_rng(0)
    return method.act(condition, rng, [None] * len(condition), StageTimes())


@BOTH_SOLVERS
@pytest.mark.parametrize("n_steps", [None, 3])
def test_leap_ratio_0_is_the_solver_bit_for_bit(solver: str, n_steps: int | None):
    method = _ragdp(0.0, solver, n_steps=n_steps)
    np.testing.assert_array_equal(_act(method).actions, _act(method.base).actions)


@BOTH_SOLVERS
def test_leap_ratio_0_leaves_the_generator_where_the_solver_leaves_it(solver: str):
    method, ours, base = _ragdp(0.0, solver, n_steps=3), *map(np.random.default_rng, (1, 1))
    _act(method, rng=ours)
    _act(method.base, rng=base)
    assert ours.bit_generator.state == base.bit_generator.state


@BOTH_SOLVERS
def test_leap_ratio_0_keeps_the_initial_noise_of_the_base(solver: str):
    # Consistency Policy's own code starts from N(0, 1) and not from N(0, 80²).
    starts = {}
    for sigma in (1.0, 80.0):
        network = CountingNetwork(_smooth)
        seen = []
        network.network = lambda x, t, cond, seen=seen: seen.append(x) or _smooth(x, t, cond)
        base = _base(solver, network)
        base = Diffusion(base.name, base.denoiser, base.sampler, SHAPE, initial_sigma=sigma)
        _act(Ragdp(base, _store(), 0.0, 1), np.repeat(CONDITION, 30, axis=0))
        starts[sigma] = seen[0].std() * 80  # the network sees x / hypot(80, .5)
    assert starts[1.0] == pytest.approx(1.0, rel=0.05)
    assert starts[80.0] == pytest.approx(80.0, rel=0.05)


@BOTH_SOLVERS
@pytest.mark.parametrize(("ratio", "sigma", "n"), TABLE)
def test_the_start_has_the_law_of_the_retrieved_chunk_plus_noise(solver, ratio, sigma, n):
    seen, n_rows = [], 2000
    network = lambda x, t, cond: seen.append(x) or x  # noqa: E731
    method = _ragdp(ratio, solver, network)
    _act(method, np.repeat(CONDITION[1:2], n_rows, axis=0))
    exact = LEVELS.at(n)[1]
    assert exact == pytest.approx(sigma, rel=2e-3)
    start = seen[0] * np.float32(np.hypot(exact, 0.5))  # what the network saw was scaled
    retrieved = method.store.chunks(np.array([1]))
    residuals = (start - retrieved) / exact
    assert stats.kstest(residuals.ravel(), stats.norm.cdf).pvalue > 0.001
    np.testing.assert_allclose(start.mean(0), retrieved[0], atol=4.5 * exact / n_rows**0.5)
    covariance = np.cov(residuals.reshape(n_rows, -1).T)
    np.testing.assert_allclose(covariance, np.eye(32), atol=6 / n_rows**0.5)


@pytest.mark.parametrize(("ratio", "sigma", "n"), TABLE)
def test_heun_makes_the_steps_of_the_table_and_reports_its_calls(ratio, sigma, n):
    network = CountingNetwork(_smooth)
    cost = _act(_ragdp(ratio, "heun", network)).costs[0]
    assert len(network.times) == cost.nfe == 2 * n - 1
    assert network.times[0][0] == pytest.approx(np.log(sigma) / 4, abs=1e-3)


@pytest.mark.parametrize(("ratio", "sigma", "n"), TABLE)
def test_the_student_makes_one_call_from_the_sigma_of_the_table(ratio, sigma, n):
    network = CountingNetwork(_smooth)
    cost = _act(_ragdp(ratio, "consistency", network)).costs[0]
    assert len(network.times) == cost.nfe == 1
    assert network.times[0][0] == pytest.approx(np.log(sigma) / 4, abs=1e-3)


def test_chaining_goes_on_below_the_leap():
    network = CountingNetwork(_smooth)
    _act(_ragdp(0.5, "consistency", network, n_steps=3))
    assert [t[0] for t in network.times] == [LEVELS.network_times[n] for n in (39, 25)]


@BOTH_SOLVERS
def test_the_output_tends_to_the_retrieved_chunk_as_the_leap_grows(solver: str):
    retrieved = _store().chunks(np.arange(3))
    # Zero explains a small x as a clean chunk: c_skip x is nearly x.
    quiet = lambda x, t, cond: np.zeros_like(x)  # noqa: E731
    gaps = [
        np.abs(_act(_ragdp(ratio, solver, quiet)).actions - retrieved).max()
        for ratio in (0.5, 0.9, 0.99)
    ]
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 5 * LEVELS.at(1)[1]


@BOTH_SOLVERS
def test_the_cost_says_where_it_leapt_to(solver: str):
    cost = _act(_ragdp(0.75, solver)).costs[0]
    assert cost.exactness == f"approximate: {solver} from a retrieved chunk at level 20"
    assert cost.match == (0, 0)


MEAN, STD, N_RUNS = 0.1, 0.2, 4000
EXACT = {
    "heun": VeMixture(np.array([[MEAN]]), (1.0,), STD),
    "consistency": GaussianStudent(MEAN, STD),
}


def _gaussian(solver: str, ratio: float, action: float, seed: int) -> np.ndarray:
    """Return chunks of one number, (N_RUNS,), of a policy whose law is N(MEAN, STD²)."""
    arrays = StoreArrays(
        np.full((4, 1), action, np.float32), np.array([4]), KEYS[:4, :2], np.eye(4, dtype="f4")
    )
    store = RetrievalStore.build(
        arrays,
        action_normalizer=Normalizer.between(np.full(1, -1.0), np.full(1, 1.0)),
        index=NumpyIndex,
        horizon=1,
        n_obs_steps=1,
    )
    sampler = SAMPLERS[solver].spaced(LEVELS, 79 if solver == "heun" else 1)
    base = Diffusion(solver, EXACT[solver].denoiser(), sampler, (1, 1), initial_sigma=80.0)
    condition = np.repeat(KEYS[:1, None, :2], N_RUNS, axis=0)
    return _act(
        Ragdp(base, store, ratio, 1), condition, np.random.default_rng(seed)
    ).actions.ravel()


@BOTH_SOLVERS
@pytest.mark.parametrize("ratio", [0.0, 0.5, 0.75, 0.9])
def test_a_gaussian_policy_gives_the_law_of_the_closed_form(solver: str, ratio: float):
    # Trajectories shrink distances from the mean by hypot(std, end) / hypot(std, sigma).
    action = 0.3
    sigma = LEVELS.at(79 - round(79 * ratio))[1]
    end = 0.0 if solver == "heun" else LEVELS.at(0)[1]
    shrink = np.hypot(STD, end) / np.hypot(STD, sigma)
    mean, std = MEAN + shrink * (action - MEAN), shrink * sigma
    if ratio == 0.0:
        mean = MEAN * (1 - shrink)  # the noise itself is around 0
    found = _gaussian(solver, ratio, action, seed=3)
    assert found.mean() == pytest.approx(mean, abs=4.5 * std / N_RUNS**0.5 + 2e-3)
    assert found.std() == pytest.approx(std, rel=0.05)


@BOTH_SOLVERS
def test_the_distance_from_the_solvers_law_grows_with_the_leap_and_keeps_its_bound(solver: str):
    base = _gaussian(solver, 0.0, MEAN, seed=4)
    bins = np.linspace(MEAN - 4 * STD, MEAN + 4 * STD, 25)
    found, bounds = [], []
    for ratio, sigma, _ in TABLE:
        leapt = _gaussian(solver, ratio, MEAN, seed=5)
        counts = [np.histogram(chunks, bins)[0] / N_RUNS for chunks in (base, leapt)]
        found.append(0.5 * np.abs(counts[0] - counts[1]).sum())
        gaps = np.abs(base - MEAN)
        bounds.append(np.mean(2 * stats.norm.cdf(gaps / sigma / 2) - 1))
    null = (
        0.5
        * np.abs(np.histogram(_gaussian(solver, 0.0, MEAN, 6), bins)[0] / N_RUNS - counts[0]).sum()
    )
    assert found == sorted(found)
    assert all(tv <= bound + null for tv, bound in zip(found, bounds, strict=True)), (
        found,
        bounds,
    )
