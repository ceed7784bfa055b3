# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import time
from threading import Event

import pytest

from dp_accel_ros.nodes.ticker import Ticker

PERIOD_NS = 2_000_000
PATIENCE_S = 20.0


def never(text):
    raise AssertionError(text)


def ticker_until(n, tick=lambda: None, on_death=never):
    """Return a ticker and an event that is set at tick n."""
    done, times = Event(), []

    def counted():
        times.append(time.monotonic_ns())
        tick()
        if len(times) >= n:
            done.set()

    return Ticker(PERIOD_NS, counted, on_death), done, times


def test_ticks_come_at_the_rate_on_average():
    ticker, done, times = ticker_until(51)
    ticker.start(0, never)
    assert done.wait(PATIENCE_S)
    assert ticker.stop()
    steps = (times[50] - times[0]) / PERIOD_NS - ticker.missed
    assert steps == pytest.approx(50, abs=2)


def test_a_slow_tick_is_not_made_up_for():
    ticker, done, _ = ticker_until(3, tick=lambda: time.sleep(0.005))
    ticker.start(0, never)
    assert done.wait(PATIENCE_S)
    assert ticker.stop()
    assert ticker.missed >= 4


def test_there_is_no_tick_after_a_stop():
    ticker, done, times = ticker_until(2)
    ticker.start(0, never)
    assert done.wait(PATIENCE_S)
    ticker.stop()
    n = len(times)
    time.sleep(0.01)
    assert len(times) == n


def test_an_error_ends_the_thread_and_is_told():
    died = Event()
    ticker = Ticker(PERIOD_NS, lambda: 1 / 0, lambda text: "ZeroDivision" in text and died.set())
    ticker.start(0, never)
    assert died.wait(PATIENCE_S)
    assert ticker.stop()
