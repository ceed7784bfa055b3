# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Inference that takes its time, by a script: what the arm is told meanwhile, and where it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise

import numpy as np
import pytest
from scheduling import DT, HOME, ns, scheduler

from dp_accel_ros.chunk import ActionChunk
from dp_accel_ros.execute.admission import OfferedChunk, Refusal
from dp_accel_ros.execute.plan import Counts, Hold, Plan

N_ACTIONS, SERVES, PERIOD = 15, 8, 50
"""Actions in a chunk, steps until the next one is thought of, and steps of a swing."""


def swing(step: np.ndarray | float) -> np.ndarray:
    """Return where the expert is at a step, (..., 2)."""
    turn = 2 * np.pi * np.asarray(step, float)[..., None] / PERIOD
    return HOME + np.array([0.2, 0.01]) * np.sin(turn)


@dataclass(frozen=True)
class Told:
    """What a tick told the arm."""

    step: float
    plan: Plan


def ticks(latencies: Sequence[float], n: int) -> tuple[list[Told], Counts]:
    """Return `n` ticks under a policy that is always right, and after a while each time.

    A tick is three tenths after a step. The policy thinks of one observation at a time, begins when
    its last chunk has served and needs the latencies, in steps, one after the other.
    """
    made, told, script = scheduler(), [], cycle(latencies)
    thinking, sequence = (0.0, next(script)), 0
    for tick in range(n):
        now = tick + 0.3
        observed, latency = thinking
        if observed + latency <= now:
            actions = swing(observed + np.arange(N_ACTIONS)).astype(np.float32)
            chunk = ActionChunk(actions, ns(observed), DT)
            made.push(OfferedChunk(chunk, 1, sequence := sequence + 1), ns(now))
            begin = max(observed + SERVES, math.ceil(observed + latency))
            thinking = (float(begin), next(script))
        if told and told[-1].plan.trajectory is not None:
            made.observe(ns(now), told[-1].plan.trajectory.sample(ns(now)).positions)
        else:
            made.observe(ns(now), HOME)
        told.append(Told(now, made.at(ns(now))))
    return told, made.counts()


def first_used(told: list[Told]) -> int:
    return next(i for i, each in enumerate(told) if each.plan.first_use)


LATENCIES = {
    "fast": [0.2],
    "slow": [4.6],
    "jittering": [0.4, 3.1, 4.9, 1.7, 0.2, 4.4],
}
EVERY_SCRIPT = pytest.mark.parametrize("latencies", LATENCIES.values(), ids=LATENCIES)


@EVERY_SCRIPT
def test_once_there_was_a_chunk_no_tick_is_without_one(latencies):
    told, counts = ticks(latencies, 300)
    later = told[first_used(told) :]
    assert all(each.plan.hold is None for each in later)
    assert not counts.refused


@EVERY_SCRIPT
def test_the_arm_is_where_the_expert_is_however_late_the_chunk(latencies):
    """An action is told when it is due; started from its first action, a late chunk would lag."""
    told, _ = ticks(latencies, 300)
    later = told[first_used(told) + 2 * SERVES :]
    apart = [each.plan.trajectory.positions[0] - swing(each.step) for each in later]
    one_step = np.abs(swing(1.0) - swing(0.0))
    assert (np.abs(apart) < 0.5 * one_step).all()  # a chunk ends at rest, which is felt a little


@pytest.mark.parametrize("latencies", [*LATENCIES.values(), [12.4]], ids=[*LATENCIES, "too slow"])
def test_what_is_told_goes_on_where_the_last_tick_left_off(latencies):
    told, _ = ticks(latencies, 300)
    for before, after in pairwise(told):
        expected = before.plan.trajectory.sample(ns(after.step))
        here = after.plan.trajectory
        np.testing.assert_allclose(here.positions[0], expected.positions, atol=1e-9)
        np.testing.assert_allclose(here.velocities[0], expected.velocities, atol=1e-6)


def test_as_many_actions_are_dropped_as_were_due_before_the_chunk_came():
    _, counts = ticks([3.1], 8 * 10)
    # Observed at a step, it is there at the tick 3.3 steps later: 0, 1, 2 and 3 are past.
    assert counts.late_actions == 4 * counts.admitted
    assert counts.admitted == 10


def test_an_outage_brings_the_arm_to_rest_and_the_next_chunk_takes_it_up_again():
    told, counts = ticks([0.2, 0.2, 20.0, 0.2, 0.2, 0.2], 60)
    holds = [each.plan.hold for each in told]
    assert counts.refused == {Refusal.ALL_LATE: 1}
    resting = [i for i, hold in enumerate(holds) if hold is Hold.EXHAUSTED]
    assert resting
    assert resting == list(range(resting[0], resting[-1] + 1))
    assert not told[resting[0]].plan.trajectory.velocities.any()
    assert holds[resting[-1] + 1] is None
