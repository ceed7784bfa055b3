# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""NT-Xent against its closed forms, and the averaging of weights."""

import math

import pytest

torch = pytest.importorskip("torch")

from dp_accel_ros.train.ema import Ema  # noqa: E402
from dp_accel_ros.train.nt_xent import nt_xent  # noqa: E402


def unit_rows(n: int, width: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn((n, width), generator=generator, dtype=torch.float64)
    return torch.nn.functional.normalize(rows, dim=1)


def test_one_pair_without_negatives_costs_nothing():
    pair = unit_rows(1, 8, 0)
    assert nt_xent(pair, pair, 0.4).item() == 0.0


def test_aligned_pairs_among_orthogonal_others_cost_the_closed_form():
    rows = torch.eye(32, 64, dtype=torch.float64)
    loss = nt_xent(rows, rows, 0.4).item()
    assert loss == pytest.approx(math.log(1 + 62 * math.exp(-2.5)), abs=1e-12)
    assert loss == pytest.approx(1.80653, abs=1e-5)


def test_the_loss_is_the_sum_over_pairs_written_out():
    first, second, tau = unit_rows(5, 8, 0), unit_rows(5, 8, 1), 0.3
    z = torch.cat([first, second])
    total = 0.0
    for i in range(10):
        j = (i + 5) % 10
        others = sum(math.exp(float(z[i] @ z[k]) / tau) for k in range(10) if k != i)
        total -= math.log(math.exp(float(z[i] @ z[j]) / tau) / others)
    assert nt_xent(first, second, tau).item() == pytest.approx(total / 10, rel=1e-12)


def test_the_two_views_are_interchangeable():
    first, second = unit_rows(6, 8, 0), unit_rows(6, 8, 1)
    assert nt_xent(first, second, 0.4).item() == pytest.approx(nt_xent(second, first, 0.4).item())


def test_a_high_temperature_makes_all_candidates_equal():
    loss = nt_xent(unit_rows(6, 8, 0), unit_rows(6, 8, 1), 1e9).item()
    assert loss == pytest.approx(math.log(11), abs=1e-6)


def test_the_gradient_agrees_with_finite_differences():
    first, second = unit_rows(4, 6, 0).requires_grad_(), unit_rows(4, 6, 1).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: nt_xent(a, b, 0.4), (first, second))


def test_the_average_starts_at_the_first_weights_and_slows_down_to_its_limit():
    ema = Ema()
    assert ema.decay(0) == 0.0
    assert ema.decay(999) == pytest.approx(1 - 1000**-0.75)
    assert ema.decay(10**9) == 0.9999


def test_the_average_moves_by_one_minus_the_decay():
    averaged, trained = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    before, target = averaged.weight.item(), trained.weight.item()
    Ema().update(averaged, trained, 99)
    share = 100**-0.75
    assert averaged.weight.item() == pytest.approx(before + share * (target - before), abs=1e-6)
