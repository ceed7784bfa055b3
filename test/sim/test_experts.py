# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

pytest.importorskip("mujoco")

from dp_accel_ros.errors import SimulationError
from dp_accel_ros.sim import ARM_TASKS
from dp_accel_ros.sim.experts import EXPERTS
from dp_accel_ros.sim.experts.motion import MAX_TARGET_SPEED, minimum_jerk, nearest_yaw


@pytest.fixture(scope="module", params=sorted(EXPERTS))
def pair(request):
    return ARM_TASKS[request.param](), EXPERTS[request.param]()


def demonstration(task, expert, seed: int, style: int) -> np.ndarray:
    """Return the actions, (N, Da), until the task is solved or its time is over."""
    task.reset(seed)
    expert.reset(task, np.random.default_rng(style))
    actions = [task.world.joint_targets()]
    while not task.success() and len(actions) <= task.max_ticks:
        actions.append(expert.act(task))
        task.step(actions[-1])
    return np.array(actions)


def test_there_is_an_expert_for_every_task():
    assert set(EXPERTS) == set(ARM_TASKS)


@pytest.mark.parametrize("seed", range(1000, 1003))
def test_an_expert_solves_its_task_within_the_limits_of_every_joint(pair, seed):
    task, expert = pair
    actions = demonstration(task, expert, seed, seed)
    assert task.success()
    lower, upper = (np.array([getattr(j, end) for j in task.joints]) for end in ("lower", "upper"))
    assert (actions >= lower).all()
    assert (actions <= upper).all()
    assert np.abs(np.diff(actions[:, :7], axis=0)).max() <= MAX_TARGET_SPEED * task.dt + 1e-9


def test_two_demonstrations_of_one_episode_differ(pair):
    task, expert = pair
    first, second = (demonstration(task, expert, 5, style) for style in (0, 1))
    n = min(len(first), len(second))
    assert np.abs(first[:n] - second[:n]).max() > 0.02


def test_the_same_draw_gives_the_same_demonstration(pair):
    task, expert = pair
    first, second = (demonstration(task, expert, 6, 3) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("interrupted_at", [15, 35, 45, 60])
def test_the_lift_expert_can_take_over_in_the_middle(interrupted_at):
    task, expert = ARM_TASKS["lift"](), EXPERTS["lift"]()
    rng = np.random.default_rng(interrupted_at)
    task.reset(4)
    expert.reset(task, rng)
    for _ in range(interrupted_at):
        task.step(expert.act(task) + np.append(rng.normal(0.0, 0.01, 7), 0.0))
    expert.reset(task, rng)
    while not task.success() and not expert.done(task):
        task.step(expert.act(task))
    assert task.success()


def test_block_push_begins_with_either_block_and_takes_it_to_the_zone_beside_it():
    task, expert = ARM_TASKS["block_push"](), EXPERTS["block_push"]()
    firsts = set()
    for style in range(20):
        task.reset(0)
        began = dict(zip(task.state_names, task.state(), strict=True))
        expert.reset(task, np.random.default_rng(style))
        while not task.success() and task.time_s < 3.6:
            task.step(expert.act(task))
        state = dict(zip(task.state_names, task.state(), strict=True))
        first = max(("blue_block", "orange_block"), key=lambda block: state[f"{block}_x"])
        zone = "left_zone" if began[f"{first}_y"] > 0 else "right_zone"
        assert abs(state[f"{first}_y"] - state[f"{zone}_y"]) < 0.022
        firsts.add(first)
        if len(firsts) == 2:
            break
    assert len(firsts) == 2


def test_an_expert_that_was_not_reset_says_so():
    with pytest.raises(SimulationError, match="must be reset before it acts"):
        EXPERTS["lift"]().act(ARM_TASKS["lift"]())


def test_a_minimum_jerk_move_starts_and_ends_at_rest():
    way = minimum_jerk(np.linspace(-0.1, 1.1, 1201))
    speed = np.diff(way) / 0.001
    assert way[0] == 0.0
    assert way[-1] == 1.0
    assert speed.max() == pytest.approx(1.875, abs=1e-3)
    assert np.abs(np.diff(speed)).max() < 0.01


def test_a_cube_is_grasped_with_the_smaller_turn():
    assert nearest_yaw(np.deg2rad(80), 0.0) == pytest.approx(np.deg2rad(-10))
    assert nearest_yaw(np.deg2rad(-40), 0.0) == pytest.approx(np.deg2rad(-40))
