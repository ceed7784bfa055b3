# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Lockstep rollouts under a learned scheduler."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from scheduler_toys import Drifter, action_for, constant_scheduler

from dp_accel_ros.evaluate.rollout import RolloutConfig, run_episodes
from dp_accel_ros.evaluate.rollout_file import batch_prediction
from dp_accel_ros.evaluate.scheduled import scheduled_prediction
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
