# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
import pytest

from dp_accel_ros.chunk import ActionChunk, Cost
from dp_accel_ros.errors import ConfigError, DataError
from dp_accel_ros.evaluate.rollout import EpisodeResult, RolloutConfig
from dp_accel_ros.evaluate.rollout.file import RolloutFile, evaluate, report
from dp_accel_ros.evaluate.rollout.speculation_record import SpeculationRecord
from dp_accel_ros.predict.policy import Prediction
from dp_accel_ros.speculation_facts import SpeculationFacts

WON = EpisodeResult(1, True, 80, nfe=(10, 10), retrieval_distances=(0.1, 0.3), n_ood=0)
RECORD = SpeculationRecord(
    rounds=(4, 6),
    drafts=(20, 30),
    accepted=(12, 15),
    bias_budgets=(0.0, 0.5),
    tested_at=(2, 2, 26),
    accepted_at=(2, 1, 24),
)
DRAFTED = EpisodeResult(
    3, True, 90, (25, 35), (), 0, score=1.0, speeds=(0.1, 0.2), speculation=RECORD
)
LOST = EpisodeResult(2, False, 160, nfe=(10, 0), retrieval_distances=(), n_ood=1)


def test_a_run_goes_on_where_it_was_cut_off(tmp_path):
    RolloutFile(tmp_path / "r.json", {"method": "alt"}).append([WON])
    file = RolloutFile(tmp_path / "r.json", {"method": "alt"})
    file.append([LOST])
    assert RolloutFile(tmp_path / "r.json", {"method": "alt"}).results == [WON, LOST]


def test_what_was_drafted_is_kept_and_reported(tmp_path):
    RolloutFile(tmp_path / "r.json", {}).append([LOST, DRAFTED])
    assert RolloutFile(tmp_path / "r.json", {}).results == [LOST, DRAFTED]
    assert json.loads((tmp_path / "r.json").read_text())["speculation"] == {
        "rounds_mean": 5.0,
        "drafts_mean": 25.0,
        "acceptance": 0.9,
        "bias_budget_mean": 0.25,
        "bias_budget_max": 0.5,
    }


def test_a_record_counts_chunks_and_steps():
    nan = float("nan")
    facts = [
        SpeculationFacts(
            drafter="frozen",
            rounds=2,
            rows=9,
            drafts=3,
            levels=np.array([2, 1, 0]),
            lengths=np.array([2, 1, 0]),
            gaps=np.array(gaps, np.float32),
            kept=np.array(kept, bool),
            bias_budget=0.25,
            outlook=np.zeros(3),
        )
        for gaps, kept in (([0.1, 0.2, nan], [1, 0, 0]), ([0.1, nan, nan], [1, 0, 0]))
    ]
    record = SpeculationRecord.of(facts)
    assert (record.accepted, record.tested_at, record.accepted_at) == (
        (1, 1),
        (2, 1, 0),
        (2, 0, 0),
    )
    assert SpeculationRecord.of([]) is None


def test_results_of_another_method_are_not_continued(tmp_path):
    RolloutFile(tmp_path / "r.json", {"method": "alt"}).append([WON])
    with pytest.raises(ConfigError, match="holds results with method 'alt', not 'ddpm'"):
        RolloutFile(tmp_path / "r.json", {"method": "ddpm"})


def test_a_file_that_is_something_else_is_refused(tmp_path):
    (tmp_path / "r.json").write_text("[1, 2]")
    with pytest.raises(DataError, match="expected the results of a rollout"):
        RolloutFile(tmp_path / "r.json", {})


def test_the_report_counts_what_happened():
    numbers = report([WON, LOST])
    assert (numbers["n"], numbers["successes"], numbers["nfe_mean"]) == (2, 1, 7.5)
    assert numbers["ticks_of_successes"]["p50_ticks"] == 80
    assert numbers["ood_chunks"] == 1


def test_the_report_of_nothing_is_still_json():
    assert json.loads(json.dumps(report([])))["nfe_mean"] is None


class NoisyPolicy:
    """Answers every observation with noise, so that a result shows which noise it got."""

    def predict_batch(self, observations, method, rng, previous):
        return [
            Prediction(
                ActionChunk(rng.standard_normal((7, 1)), observation.stamp_ns, 0.04),
                Cost("noise", nfe=1, retrieval_distance=float(rng.random())),
                np.zeros(0),
            )
            for observation in observations
        ]


class ShortTask:
    """Two ticks without success."""

    dt, max_ticks, camera_names = 0.04, 2, ()

    def reset(self, seed):
        pass

    def step(self, action):
        pass

    def images(self):
        return {}

    def joint_positions(self):
        return np.zeros(1)

    def effector_position(self):
        return self.joint_positions()

    def success(self):
        return False

    def score(self):
        return 0.25


def evaluated(file, seeds):
    config = RolloutConfig(n_obs_steps=1, n_action_steps=1, max_action_steps=7)
    tasks = [ShortTask(), ShortTask()]
    return evaluate(NoisyPolicy(), None, tasks, seeds, config, file, lambda _: None)


def test_a_continued_run_equals_one_that_was_not_cut_off(tmp_path):
    whole = evaluated(RolloutFile(None, {}), range(5))
    evaluated(RolloutFile(tmp_path / "r.json", {}), range(4))
    assert evaluated(RolloutFile(tmp_path / "r.json", {}), range(5)) == whole


def test_a_batch_of_which_a_part_is_there_is_run_again_as_a_whole(tmp_path):
    whole = evaluated(RolloutFile(None, {}), range(4))
    evaluated(RolloutFile(tmp_path / "r.json", {}), range(3))
    assert evaluated(RolloutFile(tmp_path / "r.json", {}), range(4)) == whole


def test_the_score_is_averaged_and_kept(tmp_path):
    results = evaluated(RolloutFile(tmp_path / "r.json", {}), range(3))
    assert report(results)["score_mean"] == 0.25
    assert RolloutFile(tmp_path / "r.json", {}).results == results


def test_without_a_score_success_is_the_score():
    old = [EpisodeResult(1, True, 5, (), (), 0), EpisodeResult(2, False, 5, (), (), 0)]
    assert report(old)["score_mean"] == 0.5


def test_a_finished_run_is_not_repeated(tmp_path):
    results = evaluated(RolloutFile(tmp_path / "r.json", {}), range(4))
    assert evaluated(RolloutFile(tmp_path / "r.json", {}), range(4)) == results
