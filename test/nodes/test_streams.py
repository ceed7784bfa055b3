# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import pytest

from dp_accel_ros.nodes.streams import Stream

S = 10**9


def test_the_rate_is_counted_from_report_to_report():
    stream = Stream()
    stream.report(0)
    for index in range(25):
        assert stream.accepts(index * S // 25, S)
    assert stream.report(S).rate_hz == 25.0
    assert stream.report(2 * S).rate_hz == 0.0


def test_the_age_is_that_of_the_newest_stamp():
    stream = Stream()
    stream.accepts(3 * S, 3 * S)
    stream.accepts(2 * S, 3 * S)
    assert stream.report(5 * S).age_s == 2.0


def test_a_stream_without_samples_has_no_age():
    assert Stream().report(S).age_s is None


def test_samples_from_before_a_reset_do_not_count():
    stream = Stream()
    stream.reset(5 * S)
    assert not stream.accepts(5 * S - 1, 6 * S)
    assert stream.accepts(5 * S, 6 * S)


def test_time_may_be_set_back_with_a_reset():
    stream = Stream()
    stream.accepts(100 * S, 100 * S)
    stream.reset(S)
    assert not stream.accepts(100 * S, S)
    assert stream.accepts(S, S)
    assert stream.report(2 * S).age_s == 1.0


def test_a_sample_from_another_clock_is_refused_with_the_reason():
    stream = Stream()
    assert not stream.accepts(10 * S, 2 * S)
    facts = stream.report(2 * S)
    assert facts.refused == 1
    assert "8 s ahead of now" in facts.complaint


@pytest.mark.parametrize(("second", "is_new"), [("no joints", False), ("bad image", True)])
def test_a_complaint_is_new_once(second, is_new):
    stream = Stream()
    assert stream.refuse("no joints")
    assert stream.refuse(second) is is_new
    assert stream.report(0).refused == 2
