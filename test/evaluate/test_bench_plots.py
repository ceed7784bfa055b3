# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What the benchmark's plots show, and that they are written where there is something to show."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from dp_accel_ros.evaluate.bench.entrants import Absent
from dp_accel_ros.evaluate.bench.plots import (
    acceptance_by_step,
    per_round_by_speed,
    plot_all,
    plot_success,
)
from dp_accel_ros.evaluate.bench.results import Results, RowResult
from dp_accel_ros.evaluate.bench.row import Row
from dp_accel_ros.evaluate.rollout import EpisodeResult
from dp_accel_ros.evaluate.rollout.speculation_record import SpeculationRecord

RECORD = SpeculationRecord(
    rounds=(4, 6),
    drafts=(20, 30),
    accepted=(12, 15),
    bias_budgets=(0.0, 0.5),
    tested_at=(20, 9, 26),
    accepted_at=(15, 9, 26),
)
DRAFTED = EpisodeResult(3, True, 90, (25, 35), (), 0, speeds=(0.1, 0.2), speculation=RECORD)
PLAIN = EpisodeResult(3, False, 90, (100, 100), (), 0, speeds=(0.1, 0.2))
TIMING = {"p50_ms": 30.0, "p99_ms": 45.0}


def result(name, episodes, timing=TIMING, *settings):
    row = Row(name=name, family="TS-DP", label=name, method="tsdp", settings=settings)
    return RowResult(
        row=row,
        settings="",
        megabytes=1.0,
        episodes=tuple(episodes),
        timing=timing,
        vs_eager=None,
        vs_base=None,
        vs_ort=None,
        of_base=None,
    )


def drawn(folder, *found):
    absent = (Absent(Row(name="gone", family="", label="", method="alt"), "no reason"),)
    return [path.name for path in plot_all(folder, Results(found, absent), "lift")]


def test_every_plot_is_written_where_drafts_were_made(tmp_path):
    found = (result("k10", [DRAFTED]), result("other", [DRAFTED], TIMING, "drafter=previous"))
    names = drawn(tmp_path, *found)
    assert names == ["success_latency.png", "acceptance.png", "draft_length.png"]
    assert all((tmp_path / name).stat().st_size > 10_000 for name in names)


def test_without_drafts_only_success_is_drawn(tmp_path):
    assert drawn(tmp_path, result("ddpm", [PLAIN])) == ["success_latency.png"]


def test_draft_lengths_are_drawn_only_where_nothing_else_differs(tmp_path):
    other = result("other", [DRAFTED], TIMING, "drafter=previous")
    assert drawn(tmp_path, other) == ["success_latency.png", "acceptance.png"]


def test_rows_that_always_or_never_succeed_are_drawn(tmp_path):
    found = Results((result("sure", [DRAFTED] * 60), result("hopeless", [PLAIN] * 60)), ())
    assert plot_success(tmp_path / "success.png", found.measured, "lift").exists()


def test_without_timings_there_is_no_plot_of_success(tmp_path):
    assert drawn(tmp_path, result("k10", [DRAFTED], None)) == [
        "acceptance.png",
        "draft_length.png",
    ]
    assert drawn(tmp_path) == []


def test_acceptance_is_left_out_at_steps_that_were_hardly_drafted():
    share = acceptance_by_step([RECORD])
    np.testing.assert_array_equal(share, [0.75, np.nan, 1.0])
    np.testing.assert_array_equal(acceptance_by_step([RECORD, RECORD]), [0.75, 1.0, 1.0])


def test_drafts_are_counted_a_round():
    found = result("k10", [DRAFTED, PLAIN, DRAFTED])
    speeds, per_round = per_round_by_speed(found, lambda record: record.drafts)
    assert (speeds.tolist(), per_round.tolist()) == ([0.1, 0.2] * 2, [5.0, 5.0] * 2)
