# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
from dp_accel_ros.evaluate.demo.patience import Patience


def test_patience_ends_after_its_time():
    patience = Patience(1.0, now_s=5.0)
    assert [patience.is_over(now) for now in (5.4, 5.8, 6.2)] == [False, False, True]


def test_a_machine_that_stood_still_does_not_use_up_patience():
    patience = Patience(1.0, now_s=0.0)
    assert not patience.is_over(90.0)
    assert not patience.is_over(90.3)
    assert patience.is_over(90.6)


def test_patience_can_be_renewed():
    patience = Patience(1.0, now_s=0.0)
    patience.is_over(0.5)
    patience.is_over(1.0)
    patience.renew()
    assert not patience.is_over(1.5)
