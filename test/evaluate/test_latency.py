# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.chunk import Cost
from dp_accel_ros.errors import ConfigError
from dp_accel_ros.evaluate.latency.line_up import BASE, EAGER, contenders, noise_observations
from dp_accel_ros.evaluate.latency.report import document, markdown, rows
from dp_accel_ros.evaluate.latency.timing import Contender, Timing, measure
from dp_accel_ros.evaluate.statistics import quantiles


class FakeWorld:
    """A clock that only predictions move, each by what its policy costs."""

    def __init__(self):
        self.now_s, self.order = 0.0, []

    def clock(self):
        return self.now_s


class FakePolicy:
    """Costs a fixed time; the first call costs ten times as much."""

    def __init__(self, world, name, cost_s):
        self.world, self.name, self.cost_s, self.is_cold = world, name, cost_s, True

    def predict(self, observation, method, rng, *, clock, previous):
        self.world.now_s += self.cost_s * (10 if self.is_cold else 1)
        self.is_cold = False
        self.world.order.append(self.name)
        return self

    @property
    def cost(self):
        return Cost(self.name, nfe=7, stage_s={"sample": self.cost_s / 2})


def timed(costs_s, rounds=4):
    world = FakeWorld()
    found = [
        Contender(name, BASE, FakePolicy(world, name, cost_s), None)
        for name, cost_s in costs_s.items()
    ]
    return measure(found, [None], world.clock, rounds=rounds), world.order


def test_every_contender_gets_its_own_time_and_no_warm_up():
    timings, _ = timed({"slow": 0.5, "fast": 0.04})
    assert [t.total_ms.p50 for t in timings] == pytest.approx([500.0, 40.0])
    assert timings[0].total_ms.max == pytest.approx(500.0)
    assert timings[0].stages_ms == pytest.approx({"sample": 250.0})
    assert timings[0].nfe == 7


def test_a_fast_contender_is_timed_more_often_per_visit():
    timings, _ = timed({"slow": 0.5, "fast": 0.04}, rounds=4)
    assert [t.total_ms.n for t in timings] == [4, 4 * 3]


def test_contenders_take_turns_in_changing_order():
    _, order = timed({"a": 0.5, "b": 0.5}, rounds=20)
    visits = order[6:]
    assert sorted(visits) == ["a"] * 20 + ["b"] * 20
    assert len({tuple(visits[i : i + 2]) for i in range(0, 40, 2)}) == 2


def test_a_visit_to_a_fast_contender_begins_with_a_prediction_that_is_not_timed():
    timings, order = timed({"fast": 0.04}, rounds=4)
    assert len(order) == 3 + 4 * (1 + 3)
    assert timings[0].total_ms.n == 4 * 3


def test_no_rounds_are_refused():
    with pytest.raises(ConfigError, match="`rounds` must be at least 1, got 0"):
        timed({"a": 0.5}, rounds=0)


def timing(label, backend, milliseconds):
    return Timing(label, backend, 10, quantiles([milliseconds]), {})


def test_ratios_are_to_both_baselines():
    table = rows(
        [timing("DDPM-100", EAGER, 800), timing("DDPM-100", BASE, 400), timing("ALT", BASE, 4)]
    )
    assert [row[-2:] for row in table] == [
        ("1.0x", "0.5x"),
        ("2.0x", "1.0x"),
        ("200.0x", "100.0x"),
    ]


def test_without_torch_its_ratio_is_left_empty():
    assert rows([timing("DDPM-100", BASE, 400)])[0][-2:] == ("", "1.0x")


def test_the_markdown_table_has_a_line_for_each_timing_and_each_note():
    text = markdown([timing("ALT", BASE, 4)], ["one core"])
    assert "| ALT | ORT | 10 | 1 | 4.0 | 4.0 |  |  |" in text
    assert text.endswith("- one core\n")


def test_the_json_names_percentiles_with_their_unit():
    found = document([timing("ALT", BASE, 4)], [], {"threads": 2})
    assert found["timings"][0]["total"]["p99_ms"] == 4.0
    assert found["threads"] == 2


def test_a_bundle_without_our_transformer_is_timed_without_torch(tiny_bundle):
    found, notes = contenders(tiny_bundle, BackendConfig(threads=1))
    assert [c.backend for c in found] == [BASE] * 8
    assert notes[-1].startswith(f"{EAGER} is left out")
    observations, rng = noise_observations(tiny_bundle.manifest, 2), np.random.default_rng(0)
    costs = [c.policy.predict(observations[1], c.method, rng).cost for c in found]
    assert [cost.nfe for cost in costs] == [100, 16, 10, 25, 10, 5, 2, 0]
