# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The audit that tells a replay from a policy that generalises."""

import numpy as np
import pytest

from dp_accel_ros.errors import ConfigError, ShapeError
from dp_accel_ros.evaluate.memorisation import memorisation, trajectory_distance


def arc(height: float, n: int = 50, speed: float = 1.0) -> np.ndarray:
    """Return a path (n, 3) over the table that lifts by `height` m."""
    share = np.linspace(0, 1, n) ** speed
    return np.stack([0.3 + 0.2 * share, 0.1 * share, height * np.sin(np.pi * share)], axis=1)


DEMONSTRATIONS = [arc(0.1), arc(0.3), arc(0.6)]


def test_a_replay_scores_1():
    found = memorisation(arc(0.3), DEMONSTRATIONS)
    assert (found.nearest, found.score) == (1, 1.0)


def test_a_replay_at_half_the_speed_still_is_one():
    assert memorisation(arc(0.3, n=99), DEMONSTRATIONS).score == pytest.approx(1.0, abs=1e-2)


def test_the_midpoint_of_two_demonstrations_scores_a_half():
    found = memorisation(arc(0.2), DEMONSTRATIONS)
    assert {found.nearest, found.second} == {0, 1}
    assert found.score == pytest.approx(0.5)


def test_a_path_of_its_own_scores_below_0():
    own = arc(0.1) + np.array([0.0, 1.0, 0.0])
    assert memorisation(own, DEMONSTRATIONS).score < 0


def test_the_score_falls_from_a_replay_to_the_midpoint():
    scores = [memorisation(arc(h), DEMONSTRATIONS).score for h in (0.1, 0.13, 0.16, 0.2)]
    assert scores == sorted(scores, reverse=True)


def test_the_distance_is_in_the_unit_of_the_positions():
    assert trajectory_distance(arc(0.1), arc(0.1) + 0.02) == pytest.approx(0.02 * 3**0.5)


def test_one_demonstration_leaves_nothing_to_compare_with():
    with pytest.raises(ConfigError, match="at least 2 demonstrations, got 1"):
        memorisation(arc(0.1), DEMONSTRATIONS[:1])


def test_positions_of_another_size_are_refused():
    with pytest.raises(ShapeError, match=r"`other`: expected positions \(T, 3\), got \(50, 2\)"):
        trajectory_distance(arc(0.1), arc(0.1)[:, :2])
