# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Lockstep rollouts under a learned scheduler."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("mujoco")

from scheduler_toys import Drifter, action_for, constant_scheduler

from dp_accel_ros.cli.main import main
from dp_accel_ros.evaluate.rollout import RolloutConfig, run_episodes
from dp_accel_ros.evaluate.rollout.file import RolloutFile, batch_prediction, evaluate
from dp_accel_ros.evaluate.rollout.scheduled import scheduled_prediction
from dp_accel_ros.predict.assemble import make_method
from dp_accel_ros.predict.methods import TsdpConfig

CONFIG = RolloutConfig(n_obs_steps=2, n_action_steps=8, max_action_steps=15)
SEEDS = (3, 7, 11)


def episodes(predict_for):
    """Return the results of one-episode runs, each with its own randomness."""
    return [
        run_episodes([Drifter()], [seed], predict_for(np.random.default_rng([seed])), CONFIG)[0]
        for seed in SEEDS
    ]


@pytest.mark.parametrize(("index", "length"), [(0, 1), (5, 10), (10, 40)])
def test_a_constant_scheduler_runs_as_a_fixed_draft_length_does(tiny_policy, index, length):
    fixed = make_method("tsdp", tiny_policy, TsdpConfig(draft_length=length, lengths="fixed"))
    scheduler = constant_scheduler(tiny_policy.manifest, (action_for(index),) * 3)
    expected = episodes(lambda rng: batch_prediction(tiny_policy, fixed, rng))
    got = episodes(lambda rng: scheduled_prediction(tiny_policy, scheduler, rng))
    assert got == expected
    assert len({result.nfe for result in got}) > 1


def test_the_plan_makes_a_difference(tiny_policy):
    short, long = (
        episodes(
            lambda rng, a=a: scheduled_prediction(
                tiny_policy, constant_scheduler(tiny_policy.manifest, (a,) * 3), rng
            )
        )
        for a in (-1.0, 1.0)
    )
    assert [r.nfe for r in short] != [r.nfe for r in long]


def test_a_stored_evaluation_may_be_planned_by_a_scheduler(tiny_policy, tmp_path):
    scheduler = constant_scheduler(tiny_policy.manifest, (action_for(5),) * 3)
    file = RolloutFile(tmp_path / "r.json", {"scheduler": "ppo"})
    method = make_method("tsdp", tiny_policy, scheduler.base)
    tasks = [Drifter()]
    got = evaluate(tiny_policy, method, tasks, SEEDS, CONFIG, file, lambda _: None, scheduler)
    assert got == episodes(lambda rng: scheduled_prediction(tiny_policy, scheduler, rng))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--method", "ddpm", "--scheduler", "ppo"], "plans for method 'tsdp', got 'ddpm'"),
        (["--method", "tsdp", "--scheduler", "ppo"], "expected a `scheduler` section"),
        (["--method", "tsdp", "--scheduler", "ppo", "--set", "guard=2"], "got `--set`"),
    ],
)
def test_a_scheduler_that_cannot_plan_is_refused(tiny_bundle, capsys, options, reason):
    assert main(["rollout", "--bundle", str(tiny_bundle.path), *options]) == 2
    assert reason in capsys.readouterr().err
