# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import os
import signal
import sys

import pytest

from dp_accel_ros.evaluate.demo.child import Child, ChildDiedError, stop_all

STUBBORN = """
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(60)
"""


def started(tmp_path, code: str, name: str = "child") -> Child:
    return Child(name, [sys.executable, "-c", code], tmp_path, os.environ)


def test_a_child_that_dies_is_reported_with_the_end_of_its_log(tmp_path):
    child = started(tmp_path, "print('no camera'); raise SystemExit(3)")
    assert child.wait(20)
    with pytest.raises(ChildDiedError, match=r"(?s)exit status 3.*no camera"):
        child.check()


def test_a_running_child_passes_the_check(tmp_path):
    child = started(tmp_path, "import time; time.sleep(60)")
    child.check()
    stop_all([child])
    assert child.exit_code == -signal.SIGINT


def test_a_child_that_ignores_polite_signals_is_killed_and_collected(tmp_path):
    patience = ((signal.SIGINT, 0.1), (signal.SIGTERM, 0.1), (signal.SIGKILL, 5.0))
    child = started(tmp_path, STUBBORN)
    while "up" not in child.tail():
        child.check()
    stop_all([child], patience)
    assert child.exit_code == -signal.SIGKILL


def test_stopping_what_has_already_ended_is_harmless(tmp_path):
    child = started(tmp_path, "pass")
    assert child.wait(20)
    stop_all([child, child])
    assert child.exit_code == 0
