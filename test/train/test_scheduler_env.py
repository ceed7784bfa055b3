# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The environment in which the scheduler learns: real chunks, real episodes."""

from pathlib import Path

import numpy as np
import pytest

for needed in ("gymnasium", "stable_baselines3", "onnxruntime"):
    pytest.importorskip(needed)

from gymnasium.utils.env_checker import check_env  # noqa: E402
from scheduler_toys import Drifter, action_for, constant_scheduler  # noqa: E402

from dp_accel_ros.backend import BackendConfig  # noqa: E402
from dp_accel_ros.evaluate.rollout import RolloutConfig, run_episodes  # noqa: E402
from dp_accel_ros.evaluate.rollout.scheduled import scheduled_prediction  # noqa: E402
from dp_accel_ros.predict.assemble import load_policy  # noqa: E402
from dp_accel_ros.predict.methods import TsdpConfig  # noqa: E402
from dp_accel_ros.sim import TASKS  # noqa: E402
from dp_accel_ros.speculation_facts import SpeculationFacts  # noqa: E402
from dp_accel_ros.train.scheduler_env import ChunkEnv, Reward  # noqa: E402

ROOT = Path(__file__).parents[2]
CONFIG = RolloutConfig(n_obs_steps=2, n_action_steps=8, max_action_steps=15)
ACTION = np.full(3, action_for(5), np.float32)


def episode(env, seed, action=ACTION):
    """Return rewards, facts and observations of one episode under one plan."""
    seen, _ = env.reset(seed=seed)
    rewards, told, views = [], [], [seen]
    while True:
        seen, reward, terminated, truncated, facts = env.step(action)
        rewards.append(reward)
        told.append(facts)
        views.append(seen)
        if terminated or truncated:
            return rewards, told, views, (terminated, truncated)


@pytest.fixture(scope="module")
def env(tiny_policy):
    return ChunkEnv(tiny_policy, Drifter())


def facts(n_kept: int, drafts: int) -> SpeculationFacts:
    kept = np.arange(100) < n_kept
    levels = np.arange(99, -1, -1)
    return SpeculationFacts(
        drafter="frozen",
        rounds=20,
        rows=150,
        drafts=drafts,
        levels=levels,
        lengths=np.full(100, 10),
        gaps=np.zeros(100, np.float32),
        kept=kept,
        bias_budget=0.0,
        outlook=np.ones(100),
    )


def test_the_reward_is_the_papers():
    assert Reward().of(facts(80, 160), success=False) == pytest.approx(0.1 * (0.5 + 0.8))
    assert Reward().of(facts(80, 160), success=True) == pytest.approx(1.13)
    assert Reward(process=1.0).of(facts(0, 0), success=False) == 0.0


def test_it_keeps_the_rules_of_gymnasium(env):
    check_env(env, skip_render_check=True)


@pytest.mark.parametrize("seed", [3, 5, 11])
def test_an_episode_is_the_one_that_a_rollout_runs(env, tiny_policy, seed):
    scheduler = constant_scheduler(tiny_policy.manifest, ACTION)
    predict = scheduled_prediction(tiny_policy, scheduler, np.random.default_rng([seed]))
    (expected,) = run_episodes([Drifter()], [seed], predict, CONFIG)
    _, told, _, (terminated, _) = episode(env, seed)
    assert tuple(facts["rows"] for facts in told) == expected.nfe
    assert terminated == expected.success


def test_success_ends_an_episode_and_so_does_time(env):
    rewards, told, _, ends = episode(env, seed=6)
    assert (len(rewards), ends, told[-1]["success"]) == (2, (True, False), True)
    assert rewards[-1] > 1.0 > rewards[0]
    rewards, told, _, ends = episode(env, seed=4)
    assert (len(rewards), ends, told[-1]["success"]) == (4, (False, True), False)


def test_what_is_seen_begins_empty_and_then_tells_of_the_last_chunk(env):
    *_, views, _ = episode(env, seed=3)
    known = [view[-1] for view in views]
    assert known == [0.0, *[1.0] * (len(views) - 1)]
    progress = [view[-4 - 3] for view in views]
    assert progress == pytest.approx([min(8 * i, 29) / 30 for i in range(len(views))], abs=0.01)


def test_the_same_seed_is_the_same_episode_and_the_next_is_another(env):
    first, again = episode(env, seed=3), episode(env, seed=3)
    assert first[0] == again[0]
    env.reset(seed=3)
    following, _ = env.reset()
    assert not np.array_equal(following, first[2][0])
    assert np.array_equal(following, episode(env, seed=4)[2][0])


def test_a_lossy_rule_offers_its_own_knobs(tiny_policy):
    env = ChunkEnv(tiny_policy, Drifter(), TsdpConfig(accept="tempered"))
    assert env.action_space.shape == (6,)
    bold = np.array([0, 0, 0, 1, 1, 1], np.float32)
    assert sum(facts["bias_budget"] for facts in episode(env, 3, bold)[1]) > 0.0
    exact = np.array([0, 0, 0, -1, -1, -1], np.float32)
    assert sum(facts["bias_budget"] for facts in episode(env, 3, exact)[1]) == pytest.approx(0.0)


def test_a_policy_that_takes_the_tasks_state_is_given_it():
    pytest.importorskip("mujoco")
    policy = load_policy(ROOT / "models" / "block_push", BackendConfig(threads=1))
    task = TASKS["block_push"]()
    env = ChunkEnv(policy, task)
    env.reset(seed=3)
    _, reward, *_ = env.step(ACTION)
    assert reward > 0.0
    task.close()
