# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from dp_accel_ros.errors import ConfigError, DataError
from dp_accel_ros.evaluate.rollout import EpisodeResult
from dp_accel_ros.evaluate.rollout_file import RolloutFile, report

WON = EpisodeResult(1, True, 80, nfe=(10, 10), retrieval_distances=(0.1, 0.3), n_ood=0)
LOST = EpisodeResult(2, False, 160, nfe=(10, 0), retrieval_distances=(), n_ood=1)


def test_a_run_goes_on_where_it_was_cut_off(tmp_path):
    RolloutFile(tmp_path / "r.json", {"method": "alt"}).append([WON])
    file = RolloutFile(tmp_path / "r.json", {"method": "alt"})
    file.append([LOST])
    assert RolloutFile(tmp_path / "r.json", {"method": "alt"}).results == [WON, LOST]


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
