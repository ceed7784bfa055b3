# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Distillation of a denoiser into one layer that drafts for it."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gmm_policy import TABLE, lengths, speculation  # noqa: E402
from toy_networks import SCHEDULE, noise  # noqa: E402

from dp_accel_ros.data.windows import WindowShape  # noqa: E402
from dp_accel_ros.errors import ConfigError  # noqa: E402
from dp_accel_ros.predict.denoiser import Denoiser  # noqa: E402
from dp_accel_ros.predict.networks.torch_network import TorchNetwork  # noqa: E402
from dp_accel_ros.predict.samplers.ddpm import posterior_steps  # noqa: E402
from dp_accel_ros.predict.speculation.drafters import Distilled  # noqa: E402
from dp_accel_ros.predict.speculation.draws import Draws  # noqa: E402
from dp_accel_ros.predict.speculation.target import Target  # noqa: E402
from dp_accel_ros.train.chunk_batches import DiffusionData  # noqa: E402
from dp_accel_ros.train.diffusion import DiffusionConfig  # noqa: E402
from dp_accel_ros.train.drafter import (  # noqa: E402
    DrafterConfig,
    asked,
    gap_loss,
    squared_weights,
    started,
    train_drafter,
)
from dp_accel_ros.train.loop import LoopConfig  # noqa: E402
from dp_accel_ros.train.run_folder import RunFolder  # noqa: E402

DENOISER = DiffusionConfig(
    windows=WindowShape(horizon=6, n_action_steps=3), n_layers=3, n_heads=2, width=16, dropout=0.0
)
CONFIG = DrafterConfig(
    denoiser=DENOISER,
    n_answers=512,
    loop=LoopConfig(steps=120, batch_size=64, learning_rate=5e-3, checkpoint_every=1000),
)


@pytest.fixture(scope="module")
def data() -> DiffusionData:
    rows = np.cumsum(noise(120, 3), axis=0) * 0.05
    return DiffusionData(
        noise(120, 5, seed=1), np.tanh(rows), np.array([60, 120]), np.zeros(5, np.float32)
    )


@pytest.fixture(scope="module")
def target():
    torch.manual_seed(0)
    network = DENOISER.network(3, 5).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    return network


def test_the_loss_is_the_squared_gap_between_the_means():
    x, eps, other = (noise(5, 6, 3, seed=seed).astype(np.float64) for seed in range(3))
    levels, gaps = np.array([90, 60, 30, 9, 1]), []
    steps = {level: (a, b, s) for level, a, b, s in posterior_steps(SCHEDULE, range(99, -1, -1))}
    for row, level in enumerate(levels):
        of_denoised, of_x, scale = steps[level]
        alpha, sigma = SCHEDULE.at(level)
        clean = [(x[row] - sigma * e[row]) / alpha for e in (eps, other)]
        means = [of_denoised * c + of_x * x[row] for c in clean]
        gaps.append(np.linalg.norm(means[0] - means[1]) / scale)
    weights = squared_weights(SCHEDULE)[levels]
    loss = gap_loss(torch.from_numpy(other), torch.from_numpy(eps), weights)
    assert loss.item() == pytest.approx(np.mean(np.square(gaps)), rel=1e-5)


def test_the_weight_is_capped_at_the_noisiest_level_and_nothing_at_the_last_step():
    weights = squared_weights(SCHEDULE)
    assert weights[99] == 10.0
    assert weights[0] == 0.0
    np.testing.assert_allclose(weights[[95, 50, 20]].sqrt(), [0.75, 0.25, 0.33], atol=0.006)


def test_a_drafter_starts_from_the_embeddings_the_last_layer_and_the_head(target):
    weights, first = target.state_dict(), started(target.state_dict(), DENOISER.n_layers)
    CONFIG.network(3, 5).load_state_dict(first)
    assert torch.equal(first["action_in.weight"], weights["action_in.weight"])
    assert torch.equal(first["layers.0.feed.0.weight"], weights["layers.2.feed.0.weight"])


def test_answers_depend_on_the_seed_alone_and_are_as_many_as_wanted(target, data):
    first, again = (asked(target, data, replace(CONFIG, n_answers=300)) for _ in range(2))
    assert len(first.x) == 300
    assert all(torch.equal(*pair) for pair in zip(first, again, strict=True))
    with torch.no_grad():
        said = target(first.x[:9], first.levels[:9].float(), first.cond[:9])
    torch.testing.assert_close(first.eps[:9], said, atol=1e-5, rtol=0)


def _measured(small, target, data) -> tuple[float, float]:
    """Return how many drafts hold, and how many the gaps let one expect."""
    denoisers = [Denoiser(TorchNetwork(net), SCHEDULE, clip=True) for net in (target, small)]
    conditions = data.features[np.arange(40)[:, None] + np.arange(2)]
    draws = Draws.drawn(np.random.default_rng(3), 40, len(TABLE), (6, 3))
    made = speculation(Distilled("distilled", denoisers[1]))
    chains = made.sample(Target(denoisers[0], conditions), draws, lengths(20, 40))
    tested = np.isfinite(chains.gaps)
    expected = made.rule.acceptance(chains.gaps[tested], made.settings).mean()
    return chains.accepted[tested].mean(), expected


def test_training_raises_acceptance_and_the_gaps_say_how_far(tmp_path, target, data):
    losses = list(train_drafter(target, data, CONFIG, RunFolder(tmp_path / "drafter")))
    first, trained = CONFIG.network(3, 5), CONFIG.network(3, 5)
    first.load_state_dict(started(target.state_dict(), DENOISER.n_layers))
    trained.load_state_dict(RunFolder(tmp_path / "drafter").weights())
    before, after = (_measured(net, target, data) for net in (first, trained))
    assert np.mean(losses[-20:]) < 0.5 * np.mean(losses[:20])
    assert after[0] > before[0] + 0.015
    assert after[0] == pytest.approx(after[1], abs=0.02)
    metrics = RunFolder(tmp_path / "drafter").metrics
    assert 0.0 < metrics["acceptance_expected"] <= 1.0


def test_a_negative_weight_is_refused():
    with pytest.raises(ConfigError, match="`gap_weight` from 0, got 8192 and -1"):
        DrafterConfig(gap_weight=-1)
