# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import time
from threading import Event

from dp_accel_ros.nodes.ticker import LEAD_NS, Ticker

PERIOD_NS = 2_000_000
PATIENCE_S = 20.0


def never(text):
    raise AssertionError(text)


def ticker_until(n, tick=lambda: None, on_death=never):
    """Return a ticker and an event that is set at tick n."""
    done, times = Event(), []

    def send():
        times.append(time.monotonic_ns())
        tick()
        if len(times) >= n:
            done.set()

    return Ticker(PERIOD_NS, lambda ahead_ns: send, on_death), done, times


def test_a_slow_tick_is_not_made_up_for():
    ticker, done, _ = ticker_until(3, tick=lambda: time.sleep(0.005))
    ticker.start()
    assert done.wait(PATIENCE_S)
    assert ticker.stop()
    assert ticker.missed >= 4


def test_there_is_no_tick_after_a_stop():
    ticker, done, times = ticker_until(2)
    ticker.start()
    assert done.wait(PATIENCE_S)
    ticker.stop()
    n = len(times)
    time.sleep(0.01)
    assert len(times) == n


def test_an_error_ends_the_thread_and_is_told():
    died = Event()
    ticker = Ticker(PERIOD_NS, lambda _: 1 / 0, lambda text: "ZeroDivision" in text and died.set())
    ticker.start()
    assert died.wait(PATIENCE_S)
    assert ticker.stop()


def test_a_command_is_made_ready_before_it_is_due():
    done, aheads = Event(), []

    def prepare(ahead_ns):
        aheads.append(ahead_ns)
        return done.set

    ticker = Ticker(100 * PERIOD_NS, prepare, never)
    ticker.start()
    assert done.wait(PATIENCE_S)
    assert ticker.stop()
    assert 0 < aheads[0] <= LEAD_NS
