# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""How long a row would take, from one chunk and a few ticks."""

from __future__ import annotations

import pytest

pytest.importorskip("onnxruntime")

from scheduler_toys import Drifter

from dp_accel_ros.evaluate.bench.entrants import entrants
from dp_accel_ros.evaluate.bench.estimate import row_s, tick_s
from dp_accel_ros.evaluate.bench.protocol import Protocol
from dp_accel_ros.evaluate.bench.row import Row


class Steps:
    """A clock that shows how often it was read."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


def test_a_tick_is_one_of_several():
    assert tick_s(Drifter(), Steps(), with_images=True) == 1 / 8


def test_a_row_takes_its_batches_and_its_ticks(tiny_bundle, tiny_policy):
    rows = [Row(name="alt", family="ALT", label="ALT", method="alt")]
    ((alt,), _) = entrants(rows, tiny_bundle, {None: tiny_policy})
    protocol = Protocol(n_episodes=10, batch=5)
    # 30 ticks are 4 chunks of 8 actions; a batch of 5 takes as long as 5 without the denoiser
    assert row_s(alt, protocol, 7, Drifter(), 0.5, Steps()) == 2 * 4 * 5 + 7 * 30 * 0.5
    assert row_s(alt, protocol, 0, Drifter(), 0.5, Steps()) == 0.0
