# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The live window of a policy that takes a measured state, with cameras or without."""

from __future__ import annotations

import numpy as np
import pytest

from dp_accel_ros.data.windows import WindowShape, frame_windows
from dp_accel_ros.errors import ConfigError, NotFiniteError, ShapeError, UnknownNameError
from dp_accel_ros.observation import Observation
from dp_accel_ros.observe.window import Missing, ObservationWindow, Reason

MS = 1_000_000
TICK = 100 * MS
NAMES = ("x", "y", "angle")


def _window(n_obs_steps: int = 2, cameras=(), state=NAMES, **options) -> ObservationWindow:
    return ObservationWindow(
        joint_names=["a", "b"],
        camera_names=cameras,
        n_obs_steps=n_obs_steps,
        dt=0.1,
        image_size={name: (4, 6) for name in cameras},
        state_names=state,
        **options,
    )


def _push(window: ObservationWindow, tick: int) -> None:
    window.push_joints(tick * TICK, np.full(2, tick))
    window.push_state(tick * TICK, np.full(3, tick))


def _observed(window: ObservationWindow) -> Observation:
    latest = window.latest()
    assert isinstance(latest, Observation), latest
    return latest


@pytest.mark.parametrize("n_obs_steps", [1, 2, 3])
def test_the_live_state_equals_the_data_sets_window_sample_for_sample(n_obs_steps: int):
    rng, ends = np.random.default_rng(0), np.array([7, 20])
    state, joints = (rng.normal(size=(20, n)).astype(np.float32) for n in (3, 2))
    stored = frame_windows(ends, WindowShape(n_obs_steps=n_obs_steps)).observations
    window, start_ns = _window(n_obs_steps), 123_456_789_012
    for row in range(20):
        if row in (0, 7):
            window.reset()
        stamp_ns = start_ns + row * TICK
        for early_ms in (30, 20, 10):
            window.push_joints(stamp_ns - early_ms * MS, rng.normal(size=2))
        window.push_joints(stamp_ns, joints[row])
        window.push_state(stamp_ns, state[row])
        live = _observed(window)
        np.testing.assert_array_equal(live.state, state[stored[row]])
        np.testing.assert_array_equal(live.joints, joints[stored[row]])
        assert (live.images, live.stamp_ns) == ({}, stamp_ns)


def test_a_state_that_comes_faster_than_control_is_taken_at_the_control_steps():
    window = _window(3)
    for ms in range(0, 430, 10):
        window.push_joints(ms * MS, np.zeros(2))
        window.push_state(ms * MS, np.full(3, ms))
    seen = _observed(window)
    assert seen.stamp_ns == 420 * MS
    assert seen.state is not None
    assert seen.state[:, 0].tolist() == [220, 320, 420]


def test_with_cameras_the_state_is_one_more_stream_that_is_waited_for():
    window = _window(cameras=("top",))
    _push(window, 0)
    window.push_image("top", 0, np.zeros((4, 6, 3), np.uint8))
    window.push_image("top", TICK, np.ones((4, 6, 3), np.uint8))
    assert _observed(window).stamp_ns == 0
    _push(window, 1)
    assert _observed(window).stamp_ns == TICK


def test_before_the_first_state_the_reason_says_so():
    window = _window()
    window.push_joints(0, np.zeros(2))
    missing = window.latest()
    assert isinstance(missing, Missing)
    assert (missing.reason, missing.text) == (Reason.NO_STATE, "no state yet")


def test_joints_that_stopped_long_before_the_state_are_missed():
    window = _window()
    _push(window, 0)
    window.push_state(5 * TICK, np.zeros(3))
    missing = window.latest()
    assert isinstance(missing, Missing)
    assert missing.reason is Reason.JOINTS_LATE
    assert missing.text == "joints are 500 ms older than the newest state"


def test_a_window_without_a_state_gives_none_and_takes_none():
    window = _window(cameras=("top",), state=())
    window.push_joints(0, np.zeros(2))
    window.push_image("top", 0, np.zeros((4, 6, 3), np.uint8))
    assert _observed(window).state is None
    with pytest.raises(UnknownNameError, match="no stream named 'state'"):
        window.push_state(0, np.zeros(3))


def test_what_cannot_be_a_state_is_refused():
    window = _window()
    with pytest.raises(ShapeError, match=r"state: expected \(3,\), got \(4,\)"):
        window.push_state(0, np.zeros(4))
    with pytest.raises(NotFiniteError, match="state: expected finite numbers, got 1 of 3"):
        window.push_state(0, np.array([0.0, np.nan, 0.0]))


def test_what_is_pushed_is_copied():
    window, state = _window(), np.zeros(3)
    window.push_joints(0, np.zeros(2))
    window.push_state(0, state)
    state += 1.0
    seen = _observed(window).state
    assert seen is not None
    assert not seen.any()


def test_a_window_that_sees_nothing_is_refused():
    with pytest.raises(ConfigError, match=r"a camera or a state, got 2, 0\.1, 0 cameras"):
        _window(state=())
