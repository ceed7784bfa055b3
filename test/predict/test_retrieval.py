# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The retrieval store: exact search, and chunks that are what the expert did."""

from __future__ import annotations

import numpy as np
import pytest

from dp_accel_ros.bundle import Bundle, StoreArrays
from dp_accel_ros.data.windows import WindowShape, frame_windows
from dp_accel_ros.errors import ConfigError, ShapeError
from dp_accel_ros.observe.normalizer import Normalizer
from dp_accel_ros.predict.retrieval import INDEXES, NumpyIndex, RetrievalStore

KEYS = np.random.default_rng(0).normal(size=(500, 24)).astype(np.float32)
LENGTHS = (30, 7, 40)
UNIT = Normalizer.between(np.full(3, -1.0), np.full(3, 1.0))


@pytest.fixture(params=["numpy", "faiss"])
def index_kind(request: pytest.FixtureRequest):
    if request.param == "faiss":
        pytest.importorskip("faiss")
    return INDEXES[request.param]


def _brute_force(queries, keys, k):
    gaps = queries[:, None].astype(np.float64) - keys[None]
    distances = np.sqrt((gaps**2).sum(-1))
    rows = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, rows, axis=1), rows


def _store(lengths=LENGTHS, horizon=16, n_obs_steps=2) -> RetrievalStore:
    """Return a store whose action at a row is the row's number, thousandths."""
    n = sum(lengths)
    rows = (np.arange(n)[:, None] / 1000 + np.zeros(3)).astype(np.float32)
    embeddings = np.eye(n, dtype=np.float32)
    arrays = StoreArrays(rows, np.cumsum(lengths), np.tile(rows, 2), embeddings)
    return RetrievalStore.build(
        arrays,
        action_normalizer=UNIT,
        index=NumpyIndex,
        horizon=horizon,
        n_obs_steps=n_obs_steps,
    )


def test_features_count_as_much_in_a_search_as_the_scale_says():
    rows = np.array([[0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 1.0, 0.0]], np.float32)
    arrays = StoreArrays(rows[:, :3], np.array([1, 2]), rows, np.eye(2, dtype=np.float32))
    query = np.array([[[0.0, 0.4], [0.0, 0.4]]], np.float32)  # .85 from row 0, 1.52 from row 1
    nearest = []
    for scale in (None, [1.0, 1.0], [0.1, 3.0]):
        store = RetrievalStore.build(
            arrays,
            action_normalizer=UNIT,
            index=NumpyIndex,
            horizon=4,
            n_obs_steps=2,
            key_scale=scale,
        )
        nearest.append((store.nearest(query, 1).rows.item(), store.nearest(query, 1).distances))
    assert [row for row, _ in nearest] == [0, 0, 1]
    np.testing.assert_allclose(nearest[0][1], nearest[1][1])
    np.testing.assert_allclose(nearest[2][1], np.sqrt(2 * (0.1**2 + 1.2**2)), rtol=1e-6)


@pytest.mark.parametrize("k", [1, 5, 500])
def test_search_equals_brute_force(index_kind, k: int):
    queries = np.random.default_rng(1).normal(size=(20, 24)).astype(np.float32)
    found, (distances, rows) = index_kind(KEYS).search(queries, k), _brute_force(queries, KEYS, k)
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_allclose(found.distances, distances, rtol=1e-5)


def test_equal_distances_come_in_the_order_of_their_rows(index_kind):
    keys = np.concatenate([KEYS[:3], KEYS[:3], KEYS[:3]])
    found = index_kind(keys).search(KEYS[1:2], 3)
    np.testing.assert_array_equal(found.rows, [[1, 4, 7]])


@pytest.mark.parametrize("k", [1, 100])
def test_a_tie_goes_to_the_lowest_rows(k: int):
    keys = np.concatenate([KEYS[1:2], np.repeat(KEYS[:1], 300, axis=0)])
    np.testing.assert_array_equal(NumpyIndex(keys).search(KEYS[:1], k).rows[0], range(1, k + 1))


def test_a_stored_key_finds_itself_at_distance_0(index_kind):
    found = index_kind(KEYS).search(KEYS, 1)
    np.testing.assert_array_equal(found.rows[:, 0], np.arange(len(KEYS)))
    assert found.distances.max() < 2e-3


def test_neighbours_far_from_the_origin_are_told_apart():
    keys = (KEYS[:50] * 1e-3 + 100).astype(np.float32)
    queries = keys + np.float32(1e-5)
    expected = _brute_force(queries, keys, 3)[1]
    np.testing.assert_array_equal(NumpyIndex(keys).search(queries, 3).rows, expected)


def test_nearest_by_cosine_is_nearest_by_distance_on_unit_rows(index_kind):
    keys = KEYS / np.linalg.norm(KEYS, axis=1, keepdims=True)
    queries = np.random.default_rng(2).normal(size=(50, 24)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    by_cosine = (queries @ keys.T).argmax(axis=1)
    np.testing.assert_array_equal(index_kind(keys).search(queries, 1).rows[:, 0], by_cosine)


def test_the_graph_index_finds_nearly_all_nearest_neighbours():
    pytest.importorskip("faiss")
    queries = np.random.default_rng(3).normal(size=(200, 24)).astype(np.float32)
    found = INDEXES["faiss_hnsw"](KEYS).search(queries, 1).rows[:, 0]
    assert (found == _brute_force(queries, KEYS, 1)[1][:, 0]).mean() >= 0.99


def _embeddings(n: int, seed: int) -> np.ndarray:
    """Return unit rows (n, 32) that differ in six directions, as those of an encoder do in few."""
    into = np.random.default_rng(0).normal(size=(6, 32)) / 2
    rows = np.tanh(np.random.default_rng(seed).normal(size=(n, 6)) @ into)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_the_graph_index_hardly_looks_further_in_a_larger_store():
    """Distances are counted: the time of a search depends on the machine."""
    faiss = pytest.importorskip("faiss")
    queries, compared = _embeddings(200, seed=2), []
    for n in (1000, 8000):
        keys = _embeddings(n, seed=1)
        index = INDEXES["faiss_hnsw"](keys)
        faiss.cvar.hnsw_stats.reset()
        found = index.search(queries, 1).rows[:, 0]
        compared.append(faiss.cvar.hnsw_stats.ndis / len(queries))
        assert (found == (queries @ keys.T).argmax(axis=1)).mean() >= 0.99
    assert compared[1] < 1.6 * compared[0] < 1000  # a flat index compares 1000 and 8000


def test_faiss_is_pinned_to_one_thread():
    faiss = pytest.importorskip("faiss")
    faiss.omp_set_num_threads(2)
    INDEXES["faiss"](KEYS)
    assert faiss.omp_get_max_threads() == 1


def test_queries_of_another_size_are_refused(index_kind):
    with pytest.raises(ShapeError, match=r"expected shape \(B, 24\), got \(1, 23\)"):
        index_kind(KEYS).search(KEYS[:1, :23], 1)


def test_more_neighbours_than_rows_are_refused(index_kind):
    with pytest.raises(ConfigError, match="between 1 and 500 stored rows, got 501"):
        index_kind(KEYS).search(KEYS[:1], 501)


@pytest.mark.parametrize(("horizon", "n_obs_steps"), [(16, 2), (8, 1), (5, 3)])
def test_chunks_are_cut_as_the_training_windows_are(horizon: int, n_obs_steps: int):
    store = _store(horizon=horizon, n_obs_steps=n_obs_steps)
    shape = WindowShape(n_obs_steps=n_obs_steps, horizon=horizon, n_action_steps=1)
    windows = frame_windows(np.cumsum(LENGTHS), shape)
    chunks = store.chunks(np.arange(len(store)))
    np.testing.assert_allclose(chunks[..., 0] * 1000, windows.index, atol=1e-3)


def test_a_chunk_never_crosses_the_end_of_its_episode():
    store = _store()
    rows = np.arange(len(store))
    reached = np.rint(store.chunks(rows)[..., 0] * 1000).astype(int)  # (N, Tp)
    np.testing.assert_array_equal(store.episodes(reached.ravel()), store.episodes(rows).repeat(16))


def test_the_last_action_repeats_where_an_episode_is_short():
    chunk = _store().chunks(np.array([35]))[0, :, 0] * 1000
    np.testing.assert_allclose(chunk, [34, 35, *[36] * 14], atol=1e-3)


def test_the_first_action_repeats_before_an_episode_begins():
    chunk = _store(n_obs_steps=3).chunks(np.array([30]))[0, :, 0] * 1000
    np.testing.assert_allclose(chunk[:4], [30, 30, 30, 31], atol=1e-3)


def test_normalised_chunks_return_to_the_stored_actions(tiny_bundle: Bundle):
    bounds = Normalizer.from_bounds(tiny_bundle.manifest.normalization.actions)
    store = RetrievalStore.build(
        tiny_bundle.store, action_normalizer=bounds, index=NumpyIndex, horizon=16, n_obs_steps=2
    )
    now = bounds.unnormalize(store.chunks(np.arange(len(store)))[:, 1])
    np.testing.assert_allclose(now, tiny_bundle.store.actions, atol=1e-6)


def test_a_row_is_known_by_episode_and_frame():
    store = _store()
    assert [store.match(row) for row in (0, 29, 30, 36, 37)] == [
        (0, 0),
        (0, 29),
        (1, 0),
        (1, 6),
        (2, 0),
    ]
    assert all(store.row(*store.match(row)) == row for row in range(len(store)))


def test_a_frame_past_the_end_is_the_last_frame_of_its_episode():
    assert _store().row(1, 100) == 36


def test_a_frame_of_no_episode_is_refused():
    with pytest.raises(ConfigError, match="expected one of 3 episodes and a frame, got 3, 0"):
        _store().row(3, 0)
