# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from dp_accel_ros.execute.phase import ArrivalPhases, step_towards

MS = 1_000_000
PERIOD = 40 * MS


def arrivals(phases_ms, ages_ms=20.0):
    made = ArrivalPhases(PERIOD)
    for index, (phase, age) in enumerate(np.broadcast(phases_ms, ages_ms)):
        made.add(index * 8 * PERIOD + round(phase * MS), round(age * MS))
    return made


def test_ticks_go_a_margin_behind_the_arrivals():
    made = arrivals(np.random.default_rng(0).uniform(10, 16, 100))
    assert 19.5 * MS <= made.best(present_ns=12 * MS) <= 21 * MS


def test_arrivals_around_the_end_of_the_period_are_one_cluster():
    made = arrivals(np.random.default_rng(0).uniform(37, 43, 100) % 40)
    assert 6.5 * MS <= made.best(present_ns=20 * MS) <= 8 * MS


def test_a_phase_that_is_about_as_good_is_kept():
    made = arrivals(np.full(100, 10.0))
    assert made.best(present_ns=round(14.8 * MS)) == round(14.8 * MS)


def test_a_chunk_in_a_hundred_that_is_three_ms_later_than_the_others_still_gets_its_tick():
    phases = np.full(150, 10.0)
    phases[70] = 13.0
    assert arrivals(phases).best(present_ns=10 * MS) > 13 * MS


def test_two_outliers_do_not_hold_the_others_up():
    phases = np.random.default_rng(0).uniform(10, 16, 150)
    phases[[40, 41]] = 35.0
    assert arrivals(phases).best(present_ns=20 * MS) <= 21 * MS


def test_few_arrivals_move_nothing():
    assert arrivals(np.full(4, 10.0)).best(present_ns=30 * MS) == 30 * MS


def test_arrivals_that_were_forgotten_move_nothing():
    made = arrivals(np.full(100, 10.0))
    made.clear()
    assert made.best(present_ns=30 * MS) == 30 * MS


@pytest.mark.parametrize(
    ("aim", "present", "step"),
    [(10, 10, 0), (10.05, 10, 0.05), (20, 10, 0.1), (10, 20, -0.1), (39, 1, -0.1), (1, 39, 0.1)],
)
def test_the_grid_moves_slowly_and_the_shorter_way_round(aim, present, step):
    moved = step_towards(round(aim * MS), round(present * MS), PERIOD, most_ns=MS // 10)
    assert moved == round(step * MS)
