# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Drafts with what the target said of the same steps before."""

from __future__ import annotations

import numpy as np
from gmm_policy import TABLE, Mixture, run, speculation
from toy_networks import noise

from dp_accel_ros.predict.speculation.answers import Answers
from dp_accel_ros.predict.speculation.drafters import DRAFTERS, Recalled, Window
from dp_accel_ros.predict.speculation.drafters.openings import no_opening
from dp_accel_ros.predict.speculation.drafters.recalled import recalled

FROZEN, RECALLED = DRAFTERS["frozen"](None, None), Recalled("recalled", no_opening)


def _drafted_with(known: list[bool]) -> list[float]:
    """Return estimates of five steps after answers 1, 2, ... about the known ones, 9 the newest."""
    answers, at = Answers.none(1, 6, (1, 1)), np.flatnonzero(known)
    numbers = (at + 1.0).astype(np.float32)[:, None, None]
    answers.note(np.zeros_like(at), at, numbers, numbers)
    newest = np.full((1, 1, 1), 9.0, np.float32)
    steps, random = np.arange(6)[None], noise(1, 6, 1, 1)
    window = Window(TABLE, newest, newest, steps, random, newest, newest, answers)
    return np.broadcast_to(recalled(window).ravel(), 5).tolist()


def test_a_step_is_drafted_with_the_answer_about_it_or_the_last_one_before():
    assert _drafted_with([False, True, False, True, False]) == [9, 2, 2, 4, 4]
    assert _drafted_with([False] * 5) == [9] * 5


def test_an_answer_about_the_step_behind_the_window_is_not_used():
    assert _drafted_with([False] * 5 + [True]) == [9] * 5


def test_where_the_estimate_follows_the_noise_recalled_answers_fail_less_than_a_frozen_one():
    mixture = Mixture(Mixture.of_size(20).means[:1], (1.0,), std=0.2)
    chains = [run(speculation(drafter), mixture, 40, 60) for drafter in (FROZEN, RECALLED)]
    assert chains[1].rounds.mean() < chains[0].rounds.mean() - 1.5
    share = [c.accepted.sum() / np.isfinite(c.gaps).sum() for c in chains]
    assert share[1] > share[0] + 0.015


def test_all_answers_of_the_target_are_kept_with_the_states_they_are_about():
    mixture = Mixture.of_size(2)
    answers = run(speculation(RECALLED), mixture, 20, 3).answers
    assert answers.known.all()
    zeros = np.zeros((3, 1, 1), np.float32)
    for step in (0, 50, 99):
        times = np.full(3, 99.0 - step)
        expected = mixture(answers.states[:, step], times, zeros)
        np.testing.assert_allclose(answers.estimates[:, step], expected, atol=1e-5)
