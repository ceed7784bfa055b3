# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import sys
from itertools import pairwise

import numpy as np
import pytest
from pusht_data import pusht_data

pytest.importorskip("gym_pusht", reason="Push-T needs gym-pusht")
pytest.importorskip("mujoco")

from gym_pusht.envs.pusht import PushTEnv

from dp_accel_ros.errors import ConfigError, ShapeError, SimulationError
from dp_accel_ros.sim import TASKS, PushT
from dp_accel_ros.sim.pusht import GOAL, SUCCESS_COVERAGE, initial_state
from dp_accel_ros.sim.tee import corners


@pytest.fixture(scope="module")
def task():
    return PushT()


def wander(n_ticks: int) -> np.ndarray:
    """Return targets that roam over the whole square, (N, 2), px."""
    steps = np.random.default_rng(3).normal(0, 40, (n_ticks, 2))
    return np.clip(np.array([256.0, 256.0]) + np.cumsum(steps, 0), 0, 512)


def test_a_tick_is_a_step_of_gym_pusht_to_the_last_bit(task):
    theirs = PushTEnv(obs_type="state")
    theirs.reset(options={"reset_to_state": initial_state(100_003)})
    task.reset(100_003)
    rewards = []
    for target in wander(60):
        state, reward, *_ = theirs.step(target)
        rewards.append(reward)
        task.step(target * 0.001)
    np.testing.assert_allclose(task.scene()[:4] * 1000, state[:4], atol=1e-9)
    assert task.score() == pytest.approx(max(rewards), abs=1e-12)


def test_a_tick_in_slices_is_a_tick_at_once(task):
    ends = []
    for slices in (1, 10):
        task.reset(5)
        for target in wander(20):
            task.command(target * 0.001)
            for _ in range(slices):
                task.advance(0.1 / slices)
        ends.append([*task.scene(), task.score()])
    np.testing.assert_array_equal(*ends)


def test_episodes_start_as_the_papers_evaluations_do():
    drawn = initial_state(100_000)
    np.testing.assert_array_equal(drawn[:4], [235, 124, 335, 128])
    assert drawn[4] == pytest.approx(-0.9049274, abs=1e-7)


def test_the_state_is_the_keypoints_of_gym_pusht_and_the_way_to_them(task):
    task.reset(100_007)
    env = task._env
    theirs = np.array(sorted(map(tuple, env.get_keypoints(env._block_shapes).round(6))))
    ours = np.array(sorted(map(tuple, (task.state()[:16].reshape(8, 2) * 1000).round(6))))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    seen = dict(zip(task.state_names, task.state(), strict=True))
    for axis, pusher in zip("xy", task.effector_position(), strict=True):
        offset = seen[f"tee_corner3_from_tip_{axis}"]
        assert seen[f"tee_corner3_{axis}"] == pytest.approx(pusher + offset, abs=1e-12)


def test_a_full_turn_changes_no_corner():
    pose = np.array([[0.2, 0.3, 0.4]])
    np.testing.assert_allclose(
        corners(pose), corners(pose + np.array([0, 0, 2 * np.pi])), atol=1e-12
    )


def test_the_goal_is_gym_pushts():
    env = PushTEnv(obs_type="state")
    env.reset(seed=0)
    x, y, angle = env.goal_pose
    env.close()
    np.testing.assert_allclose(GOAL, [x / 1000, y / 1000, angle])


def test_covering_the_goal_once_is_success_for_good(task):
    task.place(np.array([0.05, 0.05, *GOAL]))
    assert not task.success()
    task.step(np.array([0.05, 0.05]))
    assert task.coverage() > 0.99
    task.show(np.array([0.05, 0.05, 0.1, 0.4, 0.0]))
    task.step(np.array([0.05, 0.05]))
    assert task.coverage() < 0.5
    assert task.success()
    assert task.score() == 1.0


def test_the_score_of_a_near_miss_is_its_share_of_the_threshold(task):
    x, y, angle = GOAL
    task.place(np.array([0.05, 0.05, x + 0.01, y, angle]))
    task.step(np.array([0.05, 0.05]))
    assert 0.5 < task.coverage() < SUCCESS_COVERAGE
    assert not task.success()
    assert task.score() == pytest.approx(task.coverage() / 0.95)


def test_a_shown_scene_is_the_scene_that_was_shown(task):
    wanted = np.array([0.1, 0.2, 0.3, 0.25, 2.0])
    task.show(wanted)
    np.testing.assert_allclose(task.scene(), wanted, atol=1e-9)


def test_the_camera_sees_where_the_pusher_is(task):
    task.place(np.array([0.1, 0.4, 0.35, 0.15, 0.0]))
    image = task.images()["top"]
    assert (image.shape, image.dtype) == ((96, 96, 3), np.uint8)
    red, _, blue = image[75, 19].astype(int)  # 0.4 m down and 0.1 m right of 0.512 m
    assert blue > red + 60


def test_a_film_picture_has_the_size_that_was_asked_for(task):
    assert task.film_camera((540, 720)).picture().shape == (540, 720, 3)


def test_targets_outside_the_square_are_kept_at_its_edge(task):
    task.place(np.array([0.45, 0.05, 0.2, 0.3, 0.0]))
    for _ in range(20):
        task.step(np.array([9.0, -9.0]))
    np.testing.assert_allclose(task.joint_positions(), [0.512, 0.0], atol=1e-3)


def test_wrong_targets_and_times_are_refused(task):
    with pytest.raises(ShapeError, match="`target`"):
        task.command(np.zeros(8))
    with pytest.raises(ConfigError, match=r"multiple of 0\.01 s"):
        task.advance(0.015)
    with pytest.raises(ShapeError, match="`scene`"):
        task.show(np.zeros(4))


def test_the_task_is_listed_under_its_name():
    assert TASKS["pusht"]().name == "pusht"


def test_without_gym_pusht_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "gym_pusht.envs.pusht", None)
    with pytest.raises(SimulationError, match=r"--no-deps gym-pusht==0\.1\.8"):
        PushT()


def test_human_demonstrations_replay_to_within_five_pixels(task):
    root = pytest.importorskip("zarr").open_group(str(pusht_data()), mode="r")
    ends = np.concatenate([[0], root["meta/episode_ends"][:10]])
    state, action = (root[f"data/{key}"][: ends[-1]] for key in ("state", "action"))
    for start, end in pairwise(ends):
        task.place(state[start] * [0.001, 0.001, 0.001, 0.001, 1.0])
        for row in range(start, end):
            np.testing.assert_allclose(task.scene()[:4] * 1000, state[row, :4], atol=5.0)
            task.step(action[row] * 0.001)
