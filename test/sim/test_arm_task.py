# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

pytest.importorskip("mujoco")

from dp_accel_ros.errors import ConfigError, ShapeError
from dp_accel_ros.sim import ARM_TASKS, ArmTask
from dp_accel_ros.sim.arm import HOME, SERVO_LAG_S


@pytest.fixture(scope="module", params=sorted(ARM_TASKS))
def task(request):
    task = ARM_TASKS[request.param]()
    yield task
    task.close()


@pytest.fixture
def lift():
    task = ARM_TASKS["lift"]()
    yield task
    task.close()


def swing(task: ArmTask, n_ticks: int) -> list[np.ndarray]:
    """Return targets that move every joint a little, one a tick."""
    start = task.joint_positions()
    amplitude = np.array([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, -0.01])
    return [start + amplitude * np.sin(0.2 * tick) for tick in range(n_ticks)]


def after(task: ArmTask, seed: int) -> np.ndarray:
    task.reset(seed)
    for target in swing(task, 20):
        task.step(target)
    return np.concatenate([task.joint_positions(), task.joint_velocities(), task.state()])


def test_the_same_seed_gives_the_same_episode_to_the_last_bit(task):
    first = after(task, 7)
    after(task, 8)
    np.testing.assert_array_equal(after(task, 7), first)


def test_another_seed_gives_another_start(task):
    task.reset(1)
    first = task.state()
    task.reset(2)
    assert np.abs(task.state() - first).max() > 1e-3


def test_a_step_is_a_command_and_one_tick_of_time(task):
    expected = after(task, 3)
    task.reset(3)
    for target in swing(task, 20):
        task.command(target)
        for _ in range(4):
            task.advance(0.01)
    got = np.concatenate([task.joint_positions(), task.joint_velocities(), task.state()])
    np.testing.assert_array_equal(got, expected)


def test_every_number_of_the_state_has_a_name(task):
    task.reset(0)
    assert task.state().shape == (len(task.state_names),)
    assert len(set(task.state_names)) == len(task.state_names)


def test_an_episode_starts_near_home_and_not_in_the_goal(task):
    task.reset(11)
    np.testing.assert_allclose(task.joint_positions(), HOME, atol=0.0201)
    assert task.time_s == 0.0
    assert not task.success()


def test_the_cameras_give_rgb_images_that_the_caller_owns(task):
    task.reset(0)
    first = task.images()
    kept = first["wrist"].copy()
    assert list(first) == list(task.camera_names)
    assert all(image.shape == (*task.image_size, 3) for image in first.values())
    assert all(image.dtype == np.uint8 and image.flags.owndata for image in first.values())
    task.step(task.joint_positions() + 0.2)
    task.images()
    np.testing.assert_array_equal(first["wrist"], kept)


@pytest.mark.parametrize("seed", range(6))
def test_both_cameras_see_the_whole_cube_wherever_it_starts(lift, seed):
    lift.reset(seed)
    for image in lift.images().values():
        red = (image[..., 0] > 2.2 * image[..., 1].astype(int)) & (image[..., 0] > 60)
        assert red.sum() > 90
        assert not red[[0, -1]].any()
        assert not red[:, [0, -1]].any()


def test_the_picture_for_people_leaves_what_the_policy_sees_alone(lift):
    lift.reset(0)
    before = lift.images()
    assert lift.film((120, 160)).shape == (120, 160, 3)
    assert lift.film((90, 160)).shape == (90, 160, 3)
    for name, image in lift.images().items():
        np.testing.assert_array_equal(image, before[name])


def test_a_closed_task_can_draw_again(lift):
    before = lift.images()["front"]
    lift.close()
    lift.close()
    np.testing.assert_array_equal(lift.images()["front"], before)


def test_a_joint_follows_a_moving_target_with_the_stated_lag_and_does_not_overshoot(lift):
    lift.reset(0)
    target, seen = lift.joint_positions(), []
    for tick in range(50):
        target[3] += 0.02 if tick < 25 else 0.0
        lift.step(target)
        seen.append(lift.joint_positions()[3])
        if tick == 24:
            lag_s = (target[3] - seen[-1]) / (0.02 / lift.dt)
    # a target that moves once a tick is, as the tick ends, half a tick behind a steady motion
    assert lag_s == pytest.approx(SERVO_LAG_S - lift.dt / 2, abs=0.01)
    assert max(seen) <= target[3] + 1e-4
    assert seen[-1] == pytest.approx(target[3], abs=1e-3)


def test_the_second_finger_mirrors_the_first(lift):
    lift.reset(0)
    target = lift.joint_positions()
    target[-1] = 0.01
    for _ in range(15):
        lift.step(target)
    mirrored = lift.world.data.joint("finger_mirror").qpos[0]
    assert mirrored == pytest.approx(lift.joint_positions()[-1], abs=2e-4)
    assert mirrored == pytest.approx(0.01, abs=1e-3)


def test_success_needs_the_goal_to_hold_without_a_break(lift):
    lift.reset(0)
    target, seen = lift.joint_positions(), []
    for height in [0.16] * 5 + [0.02] + [0.16] * 6:
        lift.world.place_block("cube", (0.3, 0.3, height), 0.0)
        lift.step(target)
        seen.append(lift.success())
    assert seen == [False] * 11 + [True]


def test_a_duration_between_physics_steps_is_refused(lift):
    with pytest.raises(ConfigError, match=r"multiple of 0\.002 s, got 0\.003"):
        lift.advance(0.003)


def test_a_target_of_the_wrong_size_is_refused(lift):
    with pytest.raises(ShapeError, match=r"`target`: expected \(8,\), got \(7,\)"):
        lift.command(np.zeros(7))
