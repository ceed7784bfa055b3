# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from dp_accel_ros.data.windows import WindowShape, frame_windows, training_windows
from dp_accel_ros.errors import ConfigError

SHAPE = WindowShape(n_obs_steps=2, horizon=4, n_action_steps=2)
ENDS = np.array([5, 8])


def test_windows_are_those_of_diffusion_policy_written_by_hand():
    assert training_windows(ENDS, SHAPE).index.tolist() == [
        [0, 0, 1, 2],
        [0, 1, 2, 3],
        [1, 2, 3, 4],
        [2, 3, 4, 4],
        [5, 5, 6, 7],
        [5, 6, 7, 7],
    ]


def test_every_frame_is_now_once_with_both_ends_repeated():
    windows = frame_windows(ENDS, SHAPE)
    assert windows.now.tolist() == list(range(8))
    assert windows.index[4].tolist() == [3, 4, 4, 4]
    assert windows.index[5].tolist() == [5, 5, 6, 7]


def test_an_observation_is_the_first_steps_of_its_window():
    windows = training_windows(ENDS, SHAPE)
    assert windows.observations.tolist() == windows.index[:, :2].tolist()


@pytest.mark.parametrize("cut", [training_windows, frame_windows])
def test_no_window_crosses_the_end_of_an_episode(cut):
    ends = np.cumsum(np.random.default_rng(0).integers(1, 40, 50))
    episode_of = np.repeat(np.arange(50), np.diff(ends, prepend=0))
    rows = episode_of[cut(ends, WindowShape()).index]
    assert (rows == rows[:, :1]).all()


def test_an_episode_too_short_for_a_window_gives_none():
    assert len(training_windows(np.array([1]), WindowShape())) == 0


def test_more_actions_than_the_window_holds_are_refused():
    with pytest.raises(ConfigError, match=r"`n_action_steps` must be at most 3 .* got 4"):
        WindowShape(n_obs_steps=2, horizon=4, n_action_steps=4)
