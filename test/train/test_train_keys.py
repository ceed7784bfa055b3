# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Retrieval keys and the neighbours they find; augmentations and error measures beside them."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("zarr")

from dp_accel_ros.data.windows import WindowShape  # noqa: E402
from dp_accel_ros.predict.retrieval.held_out import nearest_elsewhere  # noqa: E402
from dp_accel_ros.train.augment import ColorJitter, RandomResizedCrop  # noqa: E402
from dp_accel_ros.train.keys import (  # noqa: E402
    chunk_distance,
    key_scale,
    ood_threshold,
    window_keys,
)
from dp_accel_ros.train.state_errors import state_errors  # noqa: E402

ENDS = np.array([4, 8])
SHAPE = WindowShape(n_obs_steps=2, horizon=4, n_action_steps=2)


def test_a_key_is_the_flattened_window_that_ends_now():
    features = np.arange(16, dtype=np.float32).reshape(8, 2)
    keys = window_keys(features, ENDS, SHAPE)
    assert keys[0].tolist() == [0, 1, 0, 1]
    assert keys[3].tolist() == [4, 5, 6, 7]
    assert keys[4].tolist() == [8, 9, 8, 9]


def test_offsets_from_the_hand_weigh_more_than_joints_in_a_search():
    assert key_scale(["cube_x", "cube_from_tip_x"], 3) == [1.0, 3.0, 0.5, 0.5, 0.5]


def test_without_offsets_from_the_hand_all_features_weigh_the_same():
    assert key_scale(["block_x", "tip_x"], 2) is None


def test_the_nearest_frame_is_never_of_the_same_episode():
    keys = np.array([[0], [1], [2], [3], [0.1], [1.2], [2.3], [9]], dtype=np.float32)
    found = nearest_elsewhere(keys, ENDS)
    nearest, distance = found.rows[:, 0], found.distances[:, 0]
    assert nearest.tolist() == [4, 5, 6, 6, 0, 1, 2, 3]
    assert distance[:3] == pytest.approx([0.1, 0.2, 0.3], abs=1e-5)


def test_a_match_with_the_same_actions_has_no_chunk_distance():
    actions = np.tile(np.arange(4, dtype=np.float32), 2)[:, None]
    nearest = np.array([4, 5, 6, 7, 0, 1, 2, 3])
    assert chunk_distance(nearest, actions, ENDS, SHAPE).max() == 0.0


def test_the_threshold_lets_the_allowed_share_of_frames_fall_below():
    similarity = np.linspace(0.5, 1.0, 999)
    assert (similarity < ood_threshold(similarity, false_alarms=0.05)).mean() <= 0.05


def test_state_errors_come_in_millimetres_and_degrees_of_yaw():
    names = ["cube_x", "cube_y", "cube_cos4yaw", "cube_sin4yaw"]
    angle = 4 * np.deg2rad(40.0)
    truth = np.array([[0.0, 0.0, np.cos(angle), np.sin(angle)]])
    wrapped = 4 * np.deg2rad(-49.0)  # a quarter turn and one degree further
    estimate = np.array([[0.003, 0.004, np.cos(wrapped), np.sin(wrapped)]])
    found = state_errors(truth, estimate, names)
    assert found["cube_xy_mm_p50"] == pytest.approx(5.0)
    assert found["cube_yaw_deg_p50"] == pytest.approx(1.0)


@pytest.mark.parametrize("augmentation", [ColorJitter(noise=0.02), RandomResizedCrop()])
def test_an_augmentation_keeps_shape_and_range_and_repeats_with_its_seed(augmentation):
    images = torch.rand(4, 3, 12, 12) * 2 - 1
    first, second = (augmentation(images, torch.Generator().manual_seed(5)) for _ in range(2))
    assert first.shape == images.shape
    assert first.abs().max() <= 1.0 + 1e-5
    assert torch.equal(first, second)
    assert not torch.allclose(first, images, atol=1e-3)


def test_augmentations_of_no_strength_change_nothing():
    images = torch.rand(4, 3, 12, 12) * 2 - 1
    still = ColorJitter(brightness=0, contrast=0, saturation=0, hue=0)
    rng = torch.Generator().manual_seed(0)
    assert torch.allclose(still(images, rng), images, atol=1e-4)
    assert torch.allclose(RandomResizedCrop(min_scale=1.0)(images, rng), images, atol=1e-4)
