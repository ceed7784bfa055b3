# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import math

import pytest

from dp_accel_ros.evaluate.demo.telemetry import Heard, Inference, first_action_ms, number, numbers

MS = 1_000_000


def heard(stamp_ms: float, sent_ms: float | None = None) -> Heard:
    sent = stamp_ms if sent_ms is None else sent_ms
    return Heard(int(stamp_ms * MS), int(sent * MS), int(sent * MS))


def test_a_chunk_is_timed_to_the_first_trajectory_made_after_it_arrived():
    chunks = [heard(0, 30)]
    trajectories = [heard(20, 21), heard(60, 61), heard(100, 101)]
    assert first_action_ms(chunks, trajectories) == pytest.approx([61.0])


def test_a_chunk_that_a_newer_one_replaced_in_time_is_not_counted():
    chunks = [heard(0, 30), heard(40, 50)]
    assert first_action_ms(chunks, [heard(60, 61)]) == pytest.approx([21.0])


def test_a_chunk_that_nothing_followed_is_not_counted():
    assert first_action_ms([heard(0, 30)], [heard(20)]).size == 0


def test_a_value_that_is_missing_or_no_number_is_nan():
    assert math.isnan(number({}, "nfe"))
    assert math.isnan(number({"nfe": "none"}, "nfe"))


def test_a_column_leaves_out_what_is_not_there():
    inferences = [Inference(0, {"nfe": "10"}), Inference(1, {"nfe": ""}), Inference(2, {})]
    assert numbers(inferences, "nfe") == pytest.approx([10.0])
