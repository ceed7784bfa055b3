# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
from threading import Event, get_ident

from dp_accel_ros.nodes.worker import Worker

PATIENCE_S = 20.0


def never(text):
    raise AssertionError(text)


def test_work_is_done_in_another_thread_when_woken():
    done, threads = Event(), []

    def work():
        threads.append(get_ident())
        done.set()

    worker = Worker("test", work, never, idle_s=PATIENCE_S)
    worker.start()
    worker.wake()
    assert done.wait(PATIENCE_S)
    assert worker.stop()
    assert threads[0] != get_ident()


def test_waking_never_waits_for_the_work_and_is_not_forgotten():
    began, go_on, times = Event(), Event(), []

    def work():
        times.append(1)
        began.set()
        assert go_on.wait(PATIENCE_S)

    worker = Worker("test", work, never, idle_s=PATIENCE_S)
    worker.start()
    worker.wake()
    assert began.wait(PATIENCE_S)
    began.clear()
    for _ in range(5):
        worker.wake()
    go_on.set()
    assert began.wait(PATIENCE_S)
    assert worker.stop()
    assert len(times) == 2


def test_nothing_is_done_after_a_stop():
    times = []
    worker = Worker("test", lambda: times.append(1), never, idle_s=PATIENCE_S)
    worker.start()
    assert worker.stop()
    worker.wake()
    assert not times


def test_work_that_does_not_end_is_reported_by_stop():
    go_on, began = Event(), Event()

    def work():
        began.set()
        go_on.wait(PATIENCE_S)

    worker = Worker("test", work, never)
    worker.start()
    worker.wake()
    assert began.wait(PATIENCE_S)
    assert not worker.stop(timeout_s=0.01)
    go_on.set()


def test_an_error_ends_the_thread_and_is_told():
    told, died = [], Event()

    def fail():
        raise RuntimeError("out of ideas")

    def on_death(text):
        told.append(text)
        died.set()

    worker = Worker("test", fail, on_death)
    worker.start()
    worker.wake()
    assert died.wait(PATIENCE_S)
    assert "out of ideas" in told[0]
    assert worker.stop()


def test_a_worker_can_be_started_again():
    done = Event()
    worker = Worker("test", done.set, never, idle_s=PATIENCE_S)
    for _ in range(2):
        done.clear()
        worker.start()
        worker.wake()
        assert done.wait(PATIENCE_S)
        assert worker.stop()
