# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A policy's own successes on disk: kept, continued, and never mixed with another policy's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

for needed in ("torch", "onnxruntime", "zarr", "mujoco"):
    pytest.importorskip(needed)

from tiny_state_bundle import (  # noqa: E402
    STATE,
    STATE_DIM,
    frame_joints,
    frame_state,
    make_tiny_state_bundle,
)

from dp_accel_ros.bundle import Bundle  # noqa: E402
from dp_accel_ros.data.episodes import Episodes, seeds_of  # noqa: E402
from dp_accel_ros.errors import ConfigError, DataError  # noqa: E402
from dp_accel_ros.train.own_successes import OwnSuccesses, SuccessFile  # noqa: E402


class ThirdSeeds:
    """Succeeds after ten ticks where the seed divides by three; what is measured shows the tick."""

    dt, max_ticks, state_names = 0.04, 12, STATE

    def reset(self, seed):
        self.seed, self.tick = seed, 0

    def step(self, action):
        self.tick += 1

    def joint_positions(self):
        return frame_joints(self.seed + self.tick, 8)

    def state(self):
        return frame_state(self.seed + self.tick)

    def effector_position(self):
        return np.zeros(3)

    def success(self):
        return self.seed % 3 == 0 and self.tick >= 10

    def score(self):
        return float(self.success())

    def close(self):
        pass


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_tiny_state_bundle(tmp_path_factory.mktemp("tiny") / "bundle", with_store=False)


def file(folder: Path, n_episodes: int = 4) -> SuccessFile:
    weights = folder / "weights.pt"
    if not weights.is_file():
        weights.write_bytes(b"some numbers")
    config = OwnSuccesses(n_episodes=n_episodes, first_seed=0, n_together=2)
    return SuccessFile(folder / "successes.zarr", weights, config)


def test_only_successes_are_kept_in_the_order_of_their_seeds(tmp_path: Path, bundle: Bundle):
    kept = file(tmp_path)
    assert list(kept.collect(bundle, ThirdSeeds)) == [0, 3, 6, 9]
    assert kept.store().episode_ends.tolist() == [10, 20, 30, 40]
    assert kept.provenance["tried"] == 10


def test_the_store_has_the_shapes_that_a_bundle_needs(tmp_path: Path, bundle: Bundle):
    kept = file(tmp_path, 2)
    list(kept.collect(bundle, ThirdSeeds))
    store, manifest = kept.store(), bundle.manifest
    assert store.keys.shape == (20, 2 * (STATE_DIM + 8)) == (20, manifest.key_dim)
    assert store.actions.shape == (20, 8)
    np.testing.assert_allclose(np.linalg.norm(store.alt_keys, axis=1), 1.0, atol=1e-5)


def test_a_collection_that_was_cut_off_goes_on_after_its_last_success(
    tmp_path: Path, bundle: Bundle
):
    kept = file(tmp_path)
    begun = kept.collect(bundle, ThirdSeeds)
    assert [next(begun), next(begun)] == [0, 3]
    begun.close()
    assert not kept.complete
    assert list(kept.collect(bundle, ThirdSeeds)) == [6, 9]
    assert kept.complete
    assert seeds_of(kept.path).tolist() == [0, 3, 6, 9]


def test_no_recorded_frame_is_in_it_but_only_keys_and_actions(tmp_path: Path, bundle: Bundle):
    kept = file(tmp_path, 2)
    list(kept.collect(bundle, ThirdSeeds))
    assert set(Episodes.open(kept.path).arrays) == {"action", "key", "alt_key"}


def test_successes_of_another_policy_are_neither_used_nor_continued(
    tmp_path: Path, bundle: Bundle
):
    kept = file(tmp_path, 2)
    list(kept.collect(bundle, ThirdSeeds))
    kept.weights.write_bytes(b"other numbers")
    with pytest.raises(DataError, match="remove it to collect anew"):
        kept.store()
    with pytest.raises(DataError, match="cannot continue a file made as"):
        next(kept.collect(bundle, ThirdSeeds))


def test_without_a_wanted_success_nothing_is_complete(tmp_path: Path):
    assert not file(tmp_path, 0).complete


def test_one_success_is_too_few_for_a_store():
    with pytest.raises(ConfigError, match="`n_episodes` must be 0 or at least 2, got 1"):
        OwnSuccesses(n_episodes=1)
