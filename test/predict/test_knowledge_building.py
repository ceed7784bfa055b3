# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A knowledge base is built from conditions of the past and measured with others."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from toy_networks import SCHEDULE, CountingNetwork, GaussianNetwork

from dp_accel_ros.errors import ConfigError, UnknownNameError
from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.methods.diffusion import Diffusion
from dp_accel_ros.predict.redi.building import (
    BuiltKnowledge,
    KnowledgeRecipe,
    build_knowledge,
    split_rows,
)
from dp_accel_ros.predict.redi.partial_states import PartialStates
from dp_accel_ros.predict.retrieval import NumpyIndex
from dp_accel_ros.predict.samplers import SAMPLERS

SHAPE, STD = (5, 4), 0.3
ENDS = np.array([40, 100, 130, 200])
CONDITIONS = np.random.default_rng(0).uniform(-1, 1, (200, 2, 3)).astype(np.float32)
GROUPS = {"state": 1, "joints": 2}
RECIPE = KnowledgeRecipe(
    key_steps=(20, 10), value_steps=(80,), n_noises=2, n_conditions=60, n_held_out=20
)


def moving_gaussian(x: np.ndarray, t: np.ndarray, cond: np.ndarray) -> np.ndarray:
    """The exact noise estimate when chunks are N(mean of the newest features, STD²)."""
    mean = 0.5 * cond[:, -1].mean(axis=1)[:, None, None]
    alpha = SCHEDULE.alphas[t.astype(int)][:, None, None]
    return GaussianNetwork(0.0, STD)(x - alpha * mean, t, cond)


def base(solver: str = "ddim") -> Diffusion:
    sampler = SAMPLERS[solver].spaced(SCHEDULE, 100)
    return Diffusion(solver, Denoiser(moving_gaussian, SCHEDULE, clip=False), sampler, SHAPE)


def drawn(recipe: KnowledgeRecipe) -> np.random.Generator:
    return np.random.default_rng(recipe.seed)


@cache
def built(recipe: KnowledgeRecipe = RECIPE) -> BuiltKnowledge:
    return build_knowledge(
        base(), CONDITIONS, ENDS, recipe, drawn(recipe), groups=GROUPS, index=NumpyIndex
    )


def test_states_of_every_noise_under_every_condition_are_kept_in_half_precision():
    made = built().knowledge
    assert made.steps == (10, 20, 80)
    assert (made.key_step, made.value_step) == (20, 80)
    assert made.states.shape == (2, 60, 3, *SHAPE)
    assert made.states.dtype == np.float16
    assert (np.abs(made.states).max(axis=(3, 4)) > 0).all()


def test_a_state_is_the_solvers_own():
    made, solver = built().knowledge, base().sampler
    given = base().denoiser.given(made.conditions[7:8])
    state = solver.first(20).sample(given, made.noise[1:2], np.random.default_rng(0))
    np.testing.assert_allclose(made.states[1, 7, 1], state[0], atol=2e-3)


def test_the_measured_expansion_is_that_of_the_gaussian():
    by_pair = {(q.key_step, q.value_step): q for q in built().qualities}
    assert by_pair[10, 80].expansion == pytest.approx(0.429710, rel=2e-3)
    assert by_pair.keys() == {(20, 80), (10, 80)}
    assert by_pair[20, 80].nfe == 40


def test_where_the_flow_is_affine_mixed_neighbours_make_the_solvers_own_chunk():
    # Only half precision keeps it from being exact.
    assert max(q.chunk_error_p95 for q in built().qualities) < 2e-3


def test_the_residual_of_the_last_step_is_that_of_no_key():
    residuals = built().knowledge.residuals
    assert residuals[-1] == 0.0
    assert min(residuals[:-1]) > 0.0


def test_what_is_hidden_makes_a_chunk_worse_until_it_is_seen():
    hidden = built(replace(RECIPE, seen=("joints",)))
    assert hidden.knowledge.seen.tolist() == [False, True, True]
    assert hidden.qualities[0].chunk_error > 10 * built().qualities[0].chunk_error


def test_progress_is_told_until_all_is_done():
    seen = []
    build_knowledge(
        base(),
        CONDITIONS,
        ENDS,
        RECIPE,
        drawn(RECIPE),
        groups=GROUPS,
        index=NumpyIndex,
        on_progress=lambda *counts: seen.append(counts),
    )
    assert seen == [(60, 120), (120, 120)]


def test_no_episode_is_both_known_and_held_out():
    episodes = np.searchsorted(ENDS, np.arange(200), side="right")
    for seed in range(10):
        known, apart = split_rows(ENDS, RECIPE, np.random.default_rng(seed))
        assert not set(episodes[known]) & set(episodes[apart])
        assert (len(known), len(apart)) == (60, 20)


def test_fewer_rows_than_wanted_are_all_taken():
    recipe = replace(RECIPE, n_conditions=5000, n_held_out=1000)
    known, apart = split_rows(ENDS, recipe, np.random.default_rng(0))
    assert len(known) + len(apart) == 200


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: KnowledgeRecipe(n_noises=0), "`n_noises` must be at least 1, got 0"),
        (lambda: KnowledgeRecipe(key_steps=()), "expected at least one of `key_steps`"),
        (
            lambda: KnowledgeRecipe(key_steps=(80,), value_steps=(80,)),
            "first of `value_steps` must be after the first of `key_steps`, 80, got 80",
        ),
        (
            lambda: split_rows(ENDS[:1], RECIPE, np.random.default_rng(0)),
            "expected conditions of at least 2 episodes, got 1",
        ),
        (
            lambda: build_knowledge(
                base("ddpm"),
                CONDITIONS,
                ENDS,
                RECIPE,
                drawn(RECIPE),
                groups=GROUPS,
                index=NumpyIndex,
            ),
            "ReDi needs a deterministic solver, got 'ddpm'",
        ),
    ],
)
def test_what_cannot_be_built_is_refused(call, match: str):
    with pytest.raises(ConfigError, match=match):
        call()


def test_features_that_nobody_knows_cannot_be_seen():
    with pytest.raises(UnknownNameError, match="no group of features named 'smell'; there are"):
        built(replace(RECIPE, seen=("smell",)))


class Interrupted(Exception):
    """Cuts a build off."""


def cut_after(n_batches: int):
    """Return a progress callback that gives up after some batches."""
    seen = []

    def on_progress(done: int, total: int) -> None:
        seen.append(done)
        if len(seen) == n_batches:
            raise Interrupted

    return on_progress


def build(partial: PartialStates | None, network=moving_gaussian, **options) -> BuiltKnowledge:
    asked = replace(base(), denoiser=Denoiser(network, SCHEDULE, clip=False))
    return build_knowledge(
        asked,
        CONDITIONS,
        ENDS,
        LONG,
        drawn(LONG),
        groups=GROUPS,
        index=NumpyIndex,
        partial=partial,
        **options,
    )


LONG = replace(RECIPE, n_conditions=150)
"""Three batches for each of two noises."""


def test_a_build_that_was_cut_off_goes_on_where_it_was(tmp_path: Path):
    with pytest.raises(Interrupted):
        build(PartialStates(tmp_path, {}), on_progress=cut_after(4))
    network = CountingNetwork(moving_gaussian)
    continued = build(PartialStates(tmp_path, {}), network)
    whole, counted = CountingNetwork(moving_gaussian), len(network.times)
    expected = build(None, whole)
    np.testing.assert_array_equal(continued.knowledge.states, expected.knowledge.states)
    assert continued.knowledge.residuals == expected.knowledge.residuals
    assert counted == len(whole.times) - 4 * 80  # four batches of 80 steps


def test_what_another_build_left_is_not_taken_up(tmp_path: Path):
    PartialStates(tmp_path, {"solver": "ddim-100"}).keep(0, slice(0, 1), np.ones(1))
    with pytest.raises(ConfigError, match=r"repeat that command .*\"solver\": \"ddim-100\""):
        PartialStates(tmp_path, {"solver": "ddim-50"})


def test_a_file_that_was_half_written_is_not_taken_up(tmp_path: Path):
    partial = PartialStates(tmp_path, {})
    (tmp_path / "partial.npy").write_bytes(b"half of it")
    assert partial.known(0, slice(0, 64)) is None
    partial.keep(0, slice(0, 64), np.ones((64, 3)))
    assert partial.known(0, slice(0, 64)).shape == (64, 3)


def test_nothing_is_left_of_a_build_that_is_done(tmp_path: Path):
    partial = PartialStates(tmp_path / "work", {})
    partial.keep(0, slice(0, 2), np.ones(2))
    partial.remove()
    assert not (tmp_path / "work").exists()
