# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""RAGDP: where it starts, how many steps it makes, and when it is the solver itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from toy_networks import SCHEDULE, CountingNetwork, noise, smooth_network

from dp_accel_ros.bundle import StoreArrays
from dp_accel_ros.errors import ConfigError
from dp_accel_ros.observe.normalizer import Normalizer
from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.methods import Diffusion, Ragdp
from dp_accel_ros.predict.retrieval import NumpyIndex, RetrievalStore
from dp_accel_ros.predict.samplers import SAMPLERS
from dp_accel_ros.predict.samplers.base import remaining_steps
from dp_accel_ros.predict.stages import StageTimes

N_ROWS, SHAPE = 60, (8, 4)
KEYS = noise(N_ROWS, 6)
UNIT = Normalizer.between(np.full(4, -1.0), np.full(4, 1.0))
CONDITION = KEYS[:3].reshape(3, 2, 3)
EVERY_SOLVER = pytest.mark.parametrize("solver", ["ddpm", "ddim", "dpmpp_2m"])


def _store() -> RetrievalStore:
    actions = np.tanh(noise(N_ROWS, 4, seed=5))
    arrays = StoreArrays(actions, np.array([20, N_ROWS]), KEYS, np.eye(N_ROWS, dtype=np.float32))
    return RetrievalStore.build(
        arrays, action_normalizer=UNIT, index=NumpyIndex, horizon=SHAPE[0], n_obs_steps=2
    )


def _ragdp(ratio: float, solver="ddpm", neighbours=1, network=smooth_network, n_steps=100):
    denoiser = Denoiser(network, SCHEDULE)
    base = Diffusion(solver, denoiser, SAMPLERS[solver].spaced(SCHEDULE, n_steps), SHAPE)
    return Ragdp(base, _store(), ratio, neighbours)


def _act(method, condition=CONDITION, seed=0):
    rng = np.random.default_rng(seed)
    return method.act(condition, rng, [None] * len(condition), StageTimes())


class StartRecorder:
    """Stands in for a network and keeps the first state it is shown."""

    def __init__(self) -> None:
        self.start = None

    def __call__(self, x, t, cond):
        self.start = x if self.start is None else self.start
        return x


@EVERY_SOLVER
def test_leap_ratio_0_is_the_solver_bit_for_bit(solver: str):
    method = _ragdp(0.0, solver, n_steps=20)
    np.testing.assert_array_equal(_act(method).actions, _act(method.base).actions)


def test_leap_ratio_0_leaves_the_generator_where_the_solver_leaves_it():
    method, ours, base = _ragdp(0.0, neighbours=5), *map(np.random.default_rng, (1, 1))
    method.act(CONDITION, ours, [None] * 3, StageTimes())
    method.base.act(CONDITION, base, [None] * 3, StageTimes())
    assert ours.bit_generator.state == base.bit_generator.state


def test_retrieving_one_neighbour_draws_nothing_from_the_generator():
    # DDIM draws its start alone: 3 rows of 8 x 4 numbers.
    rng, expected = np.random.default_rng(2), np.random.default_rng(2)
    _ragdp(0.9, "ddim").act(CONDITION, rng, [None] * 3, StageTimes())
    expected.standard_normal((3, *SHAPE), dtype=np.float32)
    assert rng.bit_generator.state == expected.bit_generator.state


@pytest.mark.parametrize("ratio", [0.5, 0.75, 0.95])
def test_the_start_has_the_law_of_the_noised_retrieved_chunk(ratio: float):
    recorder, n = StartRecorder(), 2000
    method = _ragdp(ratio, network=recorder)
    _act(method, np.repeat(CONDITION[1:2], n, axis=0))
    alpha, sigma = SCHEDULE.at(method.base.sampler.levels[-round((1 - ratio) * 100)])
    start, retrieved = recorder.start, method.store.chunks(np.array([1]))
    residuals = (start - alpha * retrieved) / sigma
    assert stats.kstest(residuals.ravel(), stats.norm.cdf).pvalue > 0.001
    np.testing.assert_allclose(start.mean(axis=0), alpha * retrieved[0], atol=4.5 * sigma / n**0.5)
    covariance = np.cov(residuals.reshape(n, -1).T)
    np.testing.assert_allclose(covariance, np.eye(32), atol=6 / n**0.5)


TABLE = [
    (0.0, 100, 99),
    (0.5, 50, 49),
    (0.75, 25, 24),
    (0.875, 12, 11),
    (0.9, 10, 9),
    (0.95, 5, 4),
]


@EVERY_SOLVER
@pytest.mark.parametrize(("ratio", "n_steps", "first_level"), TABLE)
def test_the_leap_leaves_the_steps_of_the_table(solver, ratio, n_steps, first_level):
    network = CountingNetwork(smooth_network)
    proposal = _act(_ragdp(ratio, solver, network=network))
    assert len(network.times) == n_steps == proposal.costs[0].nfe
    assert network.times[0].tolist() == [first_level] * 3
    assert network.times[-1][0] == 0


def test_a_short_grid_keeps_its_last_points():
    network = CountingNetwork(smooth_network)
    _act(_ragdp(0.75, "ddim", n_steps=16, network=network))
    assert [times[0] for times in network.times] == [18, 12, 6, 0]


def test_at_least_one_step_remains():
    assert remaining_steps(0.99, 10) == 1


@EVERY_SOLVER
def test_the_output_tends_to_the_retrieved_chunk_as_the_leap_grows(solver: str):
    retrieved = _store().chunks(np.arange(3))
    gaps = []
    for ratio in (0.5, 0.9, 0.99):
        # A network that blames all it sees on noise within the right order of magnitude.
        exact = _ragdp(ratio, solver, network=lambda x, t, cond: np.clip(x, -1, 1))
        gaps.append(np.abs(_act(exact).actions - retrieved).max())
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 5 * SCHEDULE.at(0)[1]


def test_a_frame_of_the_store_retrieves_itself():
    costs = _act(_ragdp(0.9)).costs
    assert [cost.match for cost in costs] == [(0, 0), (0, 1), (0, 2)]
    assert max(cost.retrieval_distance for cost in costs) < 1e-6


def test_the_reported_distance_is_that_of_the_nearest_key():
    shifted = CONDITION + np.float32(1e-3)
    expected = 1e-3 * 6**0.5
    assert _act(_ragdp(0.9), shifted).costs[0].retrieval_distance == pytest.approx(
        expected, rel=1e-3
    )


def test_several_neighbours_are_drawn_from_evenly():
    costs = _act(_ragdp(0.95, "ddim", neighbours=4), np.repeat(CONDITION[:1], 4000, axis=0)).costs
    counts = np.unique([cost.match for cost in costs], axis=0, return_counts=True)[1]
    assert len(counts) == 4
    assert stats.chisquare(counts).pvalue > 0.001


def test_more_neighbours_than_the_store_has_are_refused():
    with pytest.raises(ConfigError, match="at most 60, the rows of the store, got 61"):
        _ragdp(0.9, neighbours=61)


def test_the_cost_says_that_the_law_is_not_the_solvers_own():
    assert _act(_ragdp(0.9)).costs[0].exactness.startswith("approximate: ddpm from a retrieved")
    assert _act(_ragdp(0.0)).costs[0].exactness == "the base sampler"


@pytest.mark.parametrize("ratio", [0.0, 0.75, 0.9])
def test_the_cost_says_how_far_it_leapt(ratio: float):
    assert [cost.leap_ratio for cost in _act(_ragdp(ratio)).costs] == pytest.approx([ratio] * 3)
