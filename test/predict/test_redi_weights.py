# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Mixing neighbours: what each family of weights promises."""

from __future__ import annotations

import numpy as np
import pytest
from toy_networks import noise

from dp_accel_ros.predict.redi.weights import WEIGHTS

QUERIES = noise(40, 6).astype(np.float64)
KEYS = QUERIES[:, None] + noise(40, 4, 6, seed=1) + 0.5 * noise(40, 1, 6, seed=2)
EVERY_FAMILY = pytest.mark.parametrize("family", WEIGHTS)


def mixed(weights, keys):
    return np.einsum("bh,bhk->bk", weights, keys)


def distances(family: str, keys=KEYS):
    weights = WEIGHTS[family](QUERIES, keys)
    return np.linalg.norm(QUERIES - mixed(weights, keys), axis=1)


def test_nn_takes_the_nearest_alone():
    assert (WEIGHTS["nn"](QUERIES, KEYS) == [1, 0, 0, 0]).all()


def test_ls_is_the_pseudo_inverse_of_the_keys():
    expected = [np.linalg.pinv(k.T) @ q for q, k in zip(QUERIES, KEYS, strict=True)]
    np.testing.assert_allclose(WEIGHTS["ls"](QUERIES, KEYS), expected, atol=1e-9)


@pytest.mark.parametrize("family", ["nn", "affine", "simplex"])
def test_weights_sum_to_1(family: str):
    np.testing.assert_allclose(WEIGHTS[family](QUERIES, KEYS).sum(axis=1), 1.0, atol=1e-9)


def test_ls_does_not_care_for_the_sum():
    assert np.abs(WEIGHTS["ls"](QUERIES, KEYS).sum(axis=1) - 1.0).max() > 0.1


def test_simplex_weights_are_never_negative_and_affine_ones_are():
    assert (WEIGHTS["simplex"](QUERIES, KEYS) >= 0).all()
    assert (WEIGHTS["affine"](QUERIES, KEYS) < 0).any()


def test_a_freer_family_comes_nearer_to_the_query():
    nearest_first = np.argsort(np.linalg.norm(KEYS - QUERIES[:, None], axis=2), axis=1)
    keys = np.take_along_axis(KEYS, nearest_first[..., None], axis=1)
    nn, simplex, affine, ls = (distances(name, keys) for name in ("nn", "simplex", "affine", "ls"))
    assert (ls <= affine + 1e-6).all()
    assert (affine <= simplex + 1e-4).all()
    assert (simplex <= nn + 1e-9).all()
    assert (simplex < nn - 1e-3).any()


def test_simplex_weights_are_optimal():
    """No point of the hull lies deeper towards the query than the plane through the found point."""
    weights = WEIGHTS["simplex"](QUERIES, KEYS)
    found = mixed(weights, KEYS) - QUERIES
    depths = np.einsum("bhk,bk->bh", KEYS - QUERIES[:, None], found)
    assert (depths.min(axis=1) > (found**2).sum(axis=1) - 1e-6).all()


@pytest.mark.parametrize("n", [1, 2, 3, 9, 16])
def test_simplex_stays_optimal_for_any_number_of_neighbours(n: int):
    keys = QUERIES[:, None] + noise(40, n, 6, seed=3)
    weights = WEIGHTS["simplex"](QUERIES, keys)
    found = mixed(weights, keys) - QUERIES
    depths = np.einsum("bhk,bk->bh", keys - QUERIES[:, None], found)
    assert (depths.min(axis=1) > (found**2).sum(axis=1) - 1e-6).all()


def test_affine_weights_carry_an_affine_flow_over_exactly_and_ls_weights_do_not():
    # Five keys span a space of four dimensions affinely, in which every query has exact weights.
    rng = np.random.default_rng(4)
    matrix, offset = rng.normal(size=(9, 4)), rng.normal(size=9)
    queries, corners = rng.normal(size=(40, 4)), np.vstack([2 * np.eye(4), -np.ones(4)])
    keys = corners + 0.2 * rng.normal(size=(40, 5, 4))
    truth = queries @ matrix.T + offset
    affine, ls = (
        mixed(WEIGHTS[name](queries, keys), keys @ matrix.T + offset) for name in ("affine", "ls")
    )
    np.testing.assert_allclose(affine, truth, atol=1e-4)
    assert np.abs(ls - truth).max() > 0.1


@EVERY_FAMILY
def test_a_key_that_is_the_query_is_reproduced(family: str):
    keys = KEYS.copy()
    keys[:, 0] = QUERIES
    np.testing.assert_allclose(mixed(WEIGHTS[family](QUERIES, keys), keys), QUERIES, atol=1e-4)


@EVERY_FAMILY
def test_equal_keys_are_no_obstacle(family: str):
    keys = np.repeat(KEYS[:, :1], 4, axis=1)
    np.testing.assert_allclose(
        mixed(WEIGHTS[family](keys[:, 0], keys), keys), keys[:, 0], atol=1e-4
    )


def test_keys_in_one_line_keep_affine_weights_small():
    keys = np.array([[[1.0, 0.0], [1.0 + 1e-7, 0.0], [1.0, 1e-7]]])
    assert np.abs(WEIGHTS["affine"](np.zeros((1, 2)), keys)).max() < 10
