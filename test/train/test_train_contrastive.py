# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The ALT encoder: trained for any number of cameras, and what it puts into the store."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("zarr")

from dp_accel_ros.data.episodes import Episodes, EpisodeWriter  # noqa: E402
from dp_accel_ros.errors import ConfigError  # noqa: E402
from dp_accel_ros.observe.normalizer import Normalizer  # noqa: E402
from dp_accel_ros.train.contrastive import (  # noqa: E402
    ContrastiveConfig,
    ContrastiveData,
    ContrastiveLoss,
    train_contrastive,
)
from dp_accel_ros.train.keys import encoded  # noqa: E402
from dp_accel_ros.train.loop import LoopConfig  # noqa: E402
from dp_accel_ros.train.policy_encoder import PolicyEncoder  # noqa: E402
from dp_accel_ros.train.run_folder import RunFolder  # noqa: E402

SIZE, N_JOINTS, LENGTHS = 24, 3, (9, 7)
UNIT = Normalizer.between(np.full(N_JOINTS, -1.0), np.full(N_JOINTS, 1.0))
LOOP = LoopConfig(steps=4, batch_size=4, learning_rate=1e-2)
CONFIG = ContrastiveConfig(loop=LOOP)


def demonstrations(path: Path, n_cameras: int) -> Episodes:
    cameras = [f"camera{i}" for i in range(n_cameras)]
    writer = EpisodeWriter(path / "toy.zarr", {"cameras": cameras})
    rng = np.random.default_rng(n_cameras)
    for seed, length in enumerate(LENGTHS):
        shape = (length, SIZE, SIZE, 3)
        images = {f"img_{name}": rng.integers(0, 256, shape, np.uint8) for name in cameras}
        joints = rng.uniform(-1, 1, (length, N_JOINTS)).astype(np.float32)
        writer.append({**images, "joint_position": joints}, seed=seed)
    return Episodes.open(writer.path)


def perception(n_cameras: int) -> PolicyEncoder:
    torch.manual_seed(1)
    return PolicyEncoder(n_cameras, N_JOINTS, 2, (SIZE, SIZE))


def trained(folder: Path, episodes: Episodes, start: PolicyEncoder | None, **settings):
    data, config = ContrastiveData.of(episodes, UNIT), replace(CONFIG, **settings)
    run = RunFolder(folder / "run")
    losses = list(train_contrastive(data, config, run, start))
    assert np.isfinite(losses).all()
    n_cameras = len(episodes.attributes["cameras"])
    network = config.network(n_cameras, N_JOINTS, (SIZE, SIZE))
    network.load_state_dict(run.weights())
    return network


@pytest.mark.parametrize("n_cameras", [1, 2, 3])
@pytest.mark.parametrize("settings", [{}, {"pose_branch": False}, {"shared_trunk": True}], ids=str)
def test_any_number_of_cameras_gives_unit_embeddings(tmp_path: Path, n_cameras: int, settings):
    episodes = demonstrations(tmp_path, n_cameras)
    network = trained(tmp_path, episodes, perception(n_cameras), **settings)
    keys = encoded(network, episodes, UNIT)
    assert keys.shape == (sum(LENGTHS), 128)
    np.testing.assert_allclose(np.linalg.norm(keys, axis=1), 1.0, atol=1e-5)


def test_every_camera_counts(tmp_path: Path):
    episodes = demonstrations(tmp_path, 3)
    network = trained(tmp_path, episodes, perception(3))
    frames = [torch.from_numpy(episodes.rows(f"img_camera{i}")[:1]) for i in range(3)]
    joints = torch.zeros(1, N_JOINTS)
    with torch.no_grad():
        plain = network(*frames, joints)
        for i in range(3):
            darker = [f // 2 if i == j else f for j, f in enumerate(frames)]
            assert not torch.allclose(network(*darker, joints), plain, atol=1e-3)


def test_frozen_trunks_stay_those_of_the_policy_encoder(tmp_path: Path):
    start = perception(2)
    network = trained(tmp_path, demonstrations(tmp_path, 2), start)
    pairs = zip(network.trunks.parameters(), start.trunks.parameters(), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)


def test_trunks_may_learn_along(tmp_path: Path):
    start = perception(2)
    network = trained(tmp_path, demonstrations(tmp_path, 2), start, frozen_trunk=False)
    pairs = zip(network.trunks.parameters(), start.trunks.parameters(), strict=True)
    assert not all(torch.equal(ours, theirs) for ours, theirs in pairs)


def test_frozen_trunks_that_nobody_trained_are_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="`frozen_trunk` needs the trunks of a trained policy"):
        trained(tmp_path, demonstrations(tmp_path, 1), None)


def test_training_teaches_the_two_views_to_agree(tmp_path: Path):
    data = ContrastiveData.of(demonstrations(tmp_path, 1), UNIT)
    config = replace(CONFIG, frame_stride=1, loop=replace(LOOP, steps=60, batch_size=16))
    losses = list(train_contrastive(data, config, RunFolder(tmp_path / "run"), perception(1)))
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def test_frozen_views_are_augmented_and_repeat_with_the_seed(tmp_path: Path):
    data, start = ContrastiveData.of(demonstrations(tmp_path, 1), UNIT), perception(1)
    network = CONFIG.network(1, N_JOINTS, (SIZE, SIZE))
    network.trunks.load_state_dict(start.trunks.state_dict())
    first, second = (ContrastiveLoss(network, data, CONFIG).seen for _ in range(2))
    assert first is not None
    assert torch.equal(first, second)
    assert first.shape == (3, 8, 1, 256)  # every other of 16 frames
    assert not torch.allclose(first[0], first[1], atol=1e-3)


def test_every_other_frame_keeps_the_order_of_phases(tmp_path: Path):
    data = ContrastiveData.of(demonstrations(tmp_path, 1), UNIT)
    thin = data.thinned(2)
    assert (2 * thin.by_phase).tolist() == [row for row in data.by_phase if row % 2 == 0]
    assert torch.equal(thin.joints[3], data.joints[6])


def test_no_augmentation_enters_the_store(tmp_path: Path):
    episodes = demonstrations(tmp_path, 2)
    network = trained(tmp_path, episodes, perception(2))
    torch.manual_seed(3)
    keys = encoded(network, episodes, UNIT, batch_size=5)
    torch.manual_seed(4)
    assert np.array_equal(encoded(network, episodes, UNIT, batch_size=5), keys)
    frames = [torch.from_numpy(episodes.rows(f"img_camera{i}")) for i in range(2)]
    joints = torch.from_numpy(UNIT.normalize(episodes.rows("joint_position")))
    with torch.no_grad():
        plain = network.eval()(*frames, joints).numpy()
    # What a robot will compute for these very frames: each finds itself with similarity 1.
    np.testing.assert_allclose(keys, plain, atol=1e-5)
    assert ((plain @ keys.T).argmax(axis=1) == np.arange(len(keys))).all()
