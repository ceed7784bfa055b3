# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The live window: equal to the training windows, and calm when sensors are not."""

from __future__ import annotations

from threading import Thread

import numpy as np
import pytest

from dp_accel_ros.data.windows import WindowShape, frame_windows
from dp_accel_ros.errors import ConfigError, NotFiniteError, ShapeError, UnknownNameError
from dp_accel_ros.observation import Observation
from dp_accel_ros.observe.window import Missing, ObservationWindow, Reason

MS = 1_000_000
TICK = 40 * MS
N_JOINTS = 8


def _window(n_obs_steps: int = 2, cameras=("front", "wrist"), **options) -> ObservationWindow:
    return ObservationWindow(
        joint_names=[f"joint{i}" for i in range(N_JOINTS)],
        camera_names=cameras,
        n_obs_steps=n_obs_steps,
        dt=0.04,
        image_size={name: (4, 6) for name in cameras},
        **options,
    )


def _frame(value: int) -> np.ndarray:
    return np.full((4, 6, 3), value, np.uint8)


def _joints(value: float) -> np.ndarray:
    return np.full(N_JOINTS, value, np.float32)


def _push_tick(window: ObservationWindow, tick: int, value: int | None = None) -> None:
    shown = tick if value is None else value
    window.push_joints(tick * TICK, _joints(shown))
    for camera in ("front", "wrist"):
        window.push_image(camera, tick * TICK, _frame(shown))


def _observed(window: ObservationWindow) -> Observation:
    latest = window.latest()
    assert isinstance(latest, Observation), latest
    return latest


def _seen(window: ObservationWindow, camera: str = "front") -> list[int]:
    return _observed(window).images[camera][:, 0, 0, 0].tolist()


@pytest.mark.parametrize("n_obs_steps", [1, 2, 3])
def test_the_live_window_equals_the_data_sets_window_sample_for_sample(n_obs_steps: int):
    rng, ends = np.random.default_rng(0), np.array([7, 20])
    images = {c: rng.integers(0, 256, (20, 4, 6, 3)).astype(np.uint8) for c in ("front", "wrist")}
    joints = rng.normal(size=(20, N_JOINTS)).astype(np.float32)
    stored = frame_windows(ends, WindowShape(n_obs_steps=n_obs_steps)).observations
    window, start_ns = _window(n_obs_steps), 123_456_789_012
    for row in range(20):
        if row in (0, 7):
            window.reset()
        stamp_ns = start_ns + row * TICK
        # Joints come at 100 Hz: what lies between the control steps must not be seen.
        for early_ms in (30, 20, 10):
            window.push_joints(stamp_ns - early_ms * MS, rng.normal(size=N_JOINTS))
        window.push_joints(stamp_ns, joints[row])
        for camera, frames in images.items():
            window.push_image(camera, stamp_ns, frames[row])
        live = _observed(window)
        for camera, frames in images.items():
            np.testing.assert_array_equal(live.images[camera], frames[stored[row]])
        np.testing.assert_array_equal(live.joints, joints[stored[row]])
        assert live.stamp_ns == stamp_ns


def test_the_first_frame_is_repeated_at_the_start_of_an_episode():
    window = _window(3)
    _push_tick(window, 5)
    assert _seen(window) == [5, 5, 5]
    assert _observed(window).joints[:, 0].tolist() == [5, 5, 5]


def test_the_oldest_step_comes_first():
    window = _window(3)
    for tick in range(4):
        _push_tick(window, tick)
    assert _seen(window) == [1, 2, 3]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_order_of_arrival_does_not_matter(order):
    window = _window(3)
    for tick in order:
        _push_tick(window, tick)
    assert _seen(window) == [0, 1, 2]


def test_a_late_camera_is_waited_for():
    window = _window()
    _push_tick(window, 0)
    _push_tick(window, 1)
    window.push_image("front", 2 * TICK, _frame(2))
    assert _observed(window).stamp_ns == TICK
    window.push_image("wrist", 2 * TICK, _frame(2))
    assert _observed(window).stamp_ns == 2 * TICK


def test_cameras_may_be_apart_by_half_a_tick():
    window = _window()
    window.push_joints(0, _joints(0))
    window.push_image("front", 0, _frame(1))
    window.push_image("wrist", 20 * MS, _frame(2))
    assert _observed(window).stamp_ns == 20 * MS


def test_cameras_further_apart_give_no_observation():
    window = _window()
    window.push_joints(0, _joints(0))
    window.push_image("front", 0, _frame(1))
    window.push_image("wrist", 21 * MS, _frame(2))
    missing = window.latest()
    assert isinstance(missing, Missing)
    assert missing.reason is Reason.STREAMS_APART
    assert "within 20 ms" in missing.text


def test_jitter_within_half_a_tick_keeps_the_steps_apart():
    window = _window(3)
    for tick, jitter_ms in enumerate((0, 9, -7, 4, -8)):
        window.push_joints(tick * TICK + jitter_ms * MS, _joints(tick))
        for camera in ("front", "wrist"):
            window.push_image(camera, tick * TICK + jitter_ms * MS, _frame(tick))
    assert _seen(window) == [2, 3, 4]


def test_a_dropped_frame_is_replaced_by_the_one_before_it():
    window = _window(3)
    for tick in (0, 1, 3):
        _push_tick(window, tick)
    assert _seen(window) == [1, 1, 3]


def test_joints_are_the_newest_at_or_before_the_image():
    window = _window(1)
    for camera in ("front", "wrist"):
        window.push_image(camera, 100 * MS, _frame(1))
    for stamp_ms in (90, 100, 110):
        window.push_joints(stamp_ms * MS, _joints(stamp_ms))
    assert _observed(window).joints[0, 0] == 100


def test_joints_a_rounding_error_after_the_image_count_as_taken_with_it():
    window = _window(1)
    _push_tick(window, 0)
    window.push_joints(400_000, _joints(7))
    assert _observed(window).joints[0, 0] == 7


def test_joints_that_stopped_long_before_the_images_give_no_observation():
    window = _window()
    _push_tick(window, 0)
    for camera in ("front", "wrist"):
        window.push_image(camera, 2 * TICK, _frame(2))
    missing = window.latest()
    assert isinstance(missing, Missing)
    assert missing.reason is Reason.JOINTS_LATE
    assert "joints are 80 ms older" in missing.text


@pytest.mark.parametrize(
    ("pushed", "reason", "text"),
    [
        ((), Reason.NO_IMAGES, "no image yet from front, wrist"),
        (("front",), Reason.NO_IMAGES, "no image yet from wrist"),
        (("front", "wrist"), Reason.NO_JOINTS, "no joint positions yet"),
    ],
)
def test_a_silent_stream_is_named(pushed, reason, text):
    window = _window()
    for camera in pushed:
        window.push_image(camera, 0, _frame(0))
    assert window.latest() == Missing(reason, text)


def test_a_reset_forgets_everything():
    window = _window()
    _push_tick(window, 3)
    window.reset()
    assert window.newest_stamp_ns() is None
    assert isinstance(window.latest(), Missing)


def test_the_newest_stamp_is_that_of_the_next_observation():
    window = _window()
    for tick in range(3):
        _push_tick(window, tick)
    assert window.newest_stamp_ns() == _observed(window).stamp_ns == 2 * TICK


def test_a_repeated_stamp_is_not_taken_twice():
    window = _window()
    _push_tick(window, 1)
    assert not window.push_image("front", TICK, _frame(9))
    assert not window.push_joints(TICK, _joints(9))
    assert _seen(window) == [1, 1]


def test_a_sample_from_long_ago_is_not_taken():
    window = _window()
    _push_tick(window, 200)
    assert not window.push_image("front", 0, _frame(9))
    assert not window.push_joints(0, _joints(9))


def test_what_is_pushed_is_copied():
    window, frame, joints = _window(1), _frame(1), _joints(1)
    window.push_joints(0, joints)
    for camera in ("front", "wrist"):
        window.push_image(camera, 0, frame)
    frame[:], joints[:] = 9, 9
    assert _seen(window) == [1]
    assert _observed(window).joints[0, 0] == 1


def test_what_is_handed_out_is_a_copy():
    window = _window()
    _push_tick(window, 1)
    _observed(window).images["front"][:] = 9
    assert _seen(window) == [1, 1]


def test_a_frame_of_another_size_is_resized():
    window = _window()
    window.push_image("front", 0, np.full((40, 60, 3), 5, np.uint8))
    window.push_image("wrist", 0, _frame(5))
    window.push_joints(0, _joints(0))
    assert _observed(window).images["front"].shape == (2, 4, 6, 3)


def test_pushing_and_reading_from_many_threads_keeps_streams_together():
    window, torn = _window(), []

    def push(first: int) -> None:
        for tick in range(first, 250, 2):
            _push_tick(window, tick)

    def read() -> None:
        for _ in range(300):
            latest = window.latest()
            if isinstance(latest, Observation):
                newest = latest.stamp_ns // TICK
                pixels = [latest.images[camera][-1, 0, 0, 0] for camera in ("front", "wrist")]
                torn.extend(pixel for pixel in pixels if pixel != newest)

    threads = [Thread(target=push, args=(first,)) for first in (0, 1)] + [Thread(target=read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torn == []


@pytest.mark.parametrize(
    ("push", "kind", "message"),
    [
        (
            lambda w: w.push_image("side", 0, _frame(0)),
            UnknownNameError,
            "no camera named 'side'; there are front, wrist",
        ),
        (
            lambda w: w.push_image("front", 0, _frame(0)[..., 0]),
            ShapeError,
            r"image of 'front': expected uint8 \(H, W, 3\), got uint8 \(4, 6\)",
        ),
        (
            lambda w: w.push_image("front", 0, _frame(0).astype(np.float32)),
            ShapeError,
            r"expected uint8 \(H, W, 3\), got float32 \(4, 6, 3\)",
        ),
        (
            lambda w: w.push_joints(0, np.zeros(7)),
            ShapeError,
            r"joint positions: expected \(8,\), got \(7,\)",
        ),
        (
            lambda w: w.push_joints(0, np.full(8, np.nan)),
            NotFiniteError,
            "joint positions: expected finite numbers, got 8 of 8",
        ),
    ],
)
def test_a_sample_that_cannot_be_used_is_refused(push, kind, message):
    with pytest.raises(kind, match=message):
        push(_window())


def test_a_window_of_no_steps_is_refused():
    with pytest.raises(ConfigError, match="expected `n_obs_steps` >= 1"):
        _window(0)


def test_a_camera_without_a_size_is_refused():
    with pytest.raises(ConfigError, match="`image_size` lacks front"):
        ObservationWindow(
            joint_names=["joint1"], camera_names=["front"], n_obs_steps=1, dt=0.04, image_size={}
        )
