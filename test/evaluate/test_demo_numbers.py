# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import json
import math
import sys

import pytest
from rich.console import Console

from dp_accel_ros.evaluate.demo.live_table import live_table, progress_line
from dp_accel_ros.evaluate.demo.numbers import (
    CONTROL,
    demo_numbers,
    held_ticks,
    numbers_for_json,
)
from dp_accel_ros.evaluate.demo.telemetry import EpisodeStatus, Heard, Inference, Telemetry
from dp_accel_ros.evaluate.demo.watch import EpisodeOutcome, Moment

MS = 1_000_000
WON = EpisodeOutcome(1, 71, True, 3.0, began_ns=0, reset_ns=0)


def heard() -> Telemetry:
    """Trajectories every 40 ms, the fifth 1 ms late at the publisher; two chunks."""
    telemetry = Telemetry()
    for tick in range(10):
        at = 40 * tick * MS
        late = MS if tick == 5 else 0
        telemetry.trajectories.append(Heard(at, at + late, at + late + 2 * MS))
    for stamp_ms in (0, 160):
        telemetry.chunks.append(Heard(stamp_ms * MS, (stamp_ms + 30) * MS, (stamp_ms + 31) * MS))
        values = {"method": "ragdp", "nfe": "10", "total_ms": "25", "ood": "false"}
        telemetry.inferences.append(Inference(stamp_ms * MS, values))
    telemetry.diagnostics[CONTROL] = {
        "first_action_p99_ms": "41.5",
        "period_error_p99_ms": "nan",
        "held ticks: chunk exhausted": "3",
        "held ticks: no chunk since the reset": "20",
        "late_actions": "2",
    }
    return telemetry


def test_the_period_error_is_that_of_the_publisher_and_not_of_the_stamps():
    found = demo_numbers(heard(), 0.04)
    assert found.period_published.max == pytest.approx(1.0)
    assert found.period_stamped.max == 0.0
    assert found.rate_hz == pytest.approx(25.0)


def test_a_reset_and_the_moment_after_it_do_not_count():
    found = demo_numbers(heard(), 0.04, pauses_ns=[(0, 10 * MS)])
    assert found.period_published.n == 3


@pytest.mark.parametrize("lost", ["chunks", "inferences"])
def test_a_chunk_counts_once_both_its_messages_came(lost):
    telemetry = heard()
    getattr(telemetry, lost).pop()
    found = demo_numbers(telemetry, 0.04)
    assert (found.chunks, found.methods, found.first_action.n) == (1, {"ragdp": 1}, 1)


def test_what_was_before_the_first_episode_does_not_count():
    found = demo_numbers(heard(), 0.04, since_ns=100 * MS)
    assert (found.chunks, found.period_published.n) == (1, 6)


def test_inference_is_counted_by_method():
    found = demo_numbers(heard(), 0.04)
    assert (found.methods, found.nfe, found.stages["total"].p50) == ({"ragdp": 2}, 10, 25)


def test_waiting_for_the_first_chunk_is_no_hold():
    assert held_ticks(heard().diagnostics[CONTROL]) == 3


def test_the_numbers_are_json_that_says_who_measured():
    document = numbers_for_json(demo_numbers(heard(), 0.04))
    text = json.dumps(document, allow_nan=False)
    assert json.loads(text)["observation_to_first_action"]["by_scheduler_node"] == {"p99_ms": 41.5}


def test_nothing_heard_is_json_too():
    document = numbers_for_json(demo_numbers(Telemetry(), 0.04))
    assert json.loads(json.dumps(document, allow_nan=False))["inference"]["nfe_mean"] is None


def printed(moment: Moment, telemetry: Telemetry) -> str:
    console = Console(width=100, record=True, file=sys.stderr, force_terminal=True)
    console.print(live_table("demo", moment, demo_numbers(telemetry, 0.04), "5"))
    return console.export_text()


def test_the_live_table_shows_successes_periods_and_counters():
    now = EpisodeStatus(2, 72, 1.5, 6.4, False, math.nan, False)
    text = printed(Moment("running", (WON,), now), heard())
    assert "1 of 5 done, 1 succeeded" in text
    assert "25.00 Hz" in text
    assert "held ticks 3" in text


def test_the_live_table_can_be_shown_before_anything_was_heard():
    assert "waiting for policy_node" in printed(
        Moment("waiting for policy_node", (), None), Telemetry()
    )


def test_a_log_gets_one_plain_line():
    line = progress_line(Moment("running", (WON,), None), demo_numbers(heard(), 0.04))
    assert line.startswith("running: 1 episodes done, 1 successes, 25.0 Hz, period error p99 1.00")
