# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The EDM teacher: what it is trained for, and that it learns a mixture of two Gaussians."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

torch = pytest.importorskip("torch")

from dp_accel_ros.data.windows import WindowShape  # noqa: E402
from dp_accel_ros.errors import ConfigError  # noqa: E402
from dp_accel_ros.predict.denoiser import Denoiser  # noqa: E402
from dp_accel_ros.predict.networks.torch_network import TorchNetwork  # noqa: E402
from dp_accel_ros.predict.preconditioning import Preconditioning  # noqa: E402
from dp_accel_ros.predict.samplers import Heun  # noqa: E402
from dp_accel_ros.train.chunk_batches import DiffusionData  # noqa: E402
from dp_accel_ros.train.diffusion import DiffusionConfig  # noqa: E402
from dp_accel_ros.train.edm import EdmConfig, EdmLoss, train_edm  # noqa: E402
from dp_accel_ros.train.karras_levels import KarrasLevels  # noqa: E402
from dp_accel_ros.train.loop import LoopConfig  # noqa: E402
from dp_accel_ros.train.run_folder import RunFolder  # noqa: E402

WINDOWS = WindowShape(n_obs_steps=1, horizon=1, n_action_steps=1)
SIZES = DiffusionConfig(windows=WINDOWS, n_layers=1, n_heads=2, width=32, dropout=0.0)
CONFIG = EdmConfig(denoiser=SIZES, loop=LoopConfig(steps=6, batch_size=16, checkpoint_every=2))
MODES, SHARES, SPREAD = np.array([-0.6, 0.5]), (0.7, 0.3), 0.05


def mixture(n: int = 4000) -> DiffusionData:
    """Return chunks of one number around one of two modes; the condition says nothing."""
    rng = np.random.default_rng(0)
    actions = rng.choice(MODES, size=(n, 1), p=SHARES) + SPREAD * rng.standard_normal((n, 1))
    zeros = np.zeros((n, 2), np.float32)
    return DiffusionData(zeros, actions.astype("f4"), np.arange(1, n + 1), zeros[0])


def test_a_network_that_knows_the_only_chunk_loses_nothing():
    clean, n = 0.3, 8
    data = DiffusionData(
        np.zeros((n, 2), "f4"), np.full((n, 1), clean, "f4"), np.array([n]), np.zeros(2, "f4")
    )
    loss = EdmLoss(SIZES.network(1, 2), data, CONFIG)
    seen = []

    def perfect(x, t, cond):
        del cond
        sigma = (4 * t.double() / CONFIG.levels.time_scale).exp()[:, None, None]
        seen.append(sigma.flatten())
        scaling = Preconditioning(0.5)
        noisy = x / scaling.of_input(sigma)
        return ((clean - scaling.of_x(sigma) * noisy) / scaling.of_prediction(sigma)).float()

    loss.network = perfect  # type: ignore[assignment]
    assert loss(CONFIG.loop.draw(0, torch.device("cpu"))).item() < 1e-6
    assert seen[0].min() < 0.3 < 3.0 < seen[0].max()


def test_noise_levels_follow_edms_law_and_reach_the_noisiest():
    plain = EdmLoss(SIZES.network(1, 2), mixture(50), replace(CONFIG, uniform_share=0.0))
    logs = plain.sigmas(20_000, torch.Generator().manual_seed(0)).log().numpy()
    assert stats.kstest(logs, stats.norm(-1.2, 1.2).cdf).pvalue > 0.001
    spread = EdmLoss(SIZES.network(1, 2), mixture(50), CONFIG)
    logs = spread.sigmas(20_000, torch.Generator().manual_seed(0)).log().numpy()
    # ln 80 - ln 10 is a quarter of the uniform part's width; the normal law leaves .2 % there.
    above = CONFIG.uniform_share * np.log(8) / np.log(80 / 0.02) + 0.75 * stats.norm(-1.2, 1.2).sf(
        np.log(10)
    )
    assert np.mean(logs > np.log(10)) == pytest.approx(above, abs=0.005)


def test_a_stopped_and_resumed_run_gives_the_same_weights(tmp_path: Path):
    data, whole, stopped = mixture(50), RunFolder(tmp_path / "a"), RunFolder(tmp_path / "b")
    list(train_edm(data, CONFIG, whole))
    list(islice(train_edm(data, CONFIG, stopped), 3))
    list(train_edm(data, CONFIG, stopped))
    assert all(torch.equal(stopped.weights()[k], v) for k, v in whole.weights().items())
    assert whole.metrics["eval_loss"] == stopped.metrics["eval_loss"]


def test_training_starts_from_the_weights_that_are_given(tmp_path: Path):
    start = SIZES.network(1, 2).state_dict()
    still = replace(CONFIG, loop=LoopConfig(steps=1, learning_rate=1e-12, weight_decay=0.0))
    folder = RunFolder(tmp_path)
    list(train_edm(mixture(50), still, folder, start))
    assert all(torch.allclose(folder.weights()[k], v, atol=1e-9) for k, v in start.items())


def test_a_tiny_teacher_learns_two_modes_with_their_shares(tmp_path: Path):
    torch.set_num_threads(1)
    loop = LoopConfig(steps=300, batch_size=128, learning_rate=4e-3, weight_decay=0.0)
    config = replace(CONFIG, loop=loop, levels=KarrasLevels())
    folder = RunFolder(tmp_path)
    list(train_edm(mixture(), config, folder))
    network = SIZES.network(1, 2)
    network.load_state_dict(folder.weights())
    schedule, n, rng = config.levels.schedule, 600, np.random.default_rng(1)
    denoise = Denoiser(TorchNetwork(network), schedule, "edm").given(np.zeros((1, 1, 2), "f4"))
    start = 80.0 * rng.standard_normal((n, 1, 1), dtype=np.float32)
    ends = Heun.spaced(schedule, 20).sample(denoise, start, rng).ravel()
    high = ends > 0
    assert high.mean() == pytest.approx(SHARES[1], abs=0.06)
    for mode, found in ((MODES[0], ends[~high]), (MODES[1], ends[high])):
        assert np.median(found) == pytest.approx(mode, abs=0.05)
        assert np.abs(found - mode).mean() < 3 * SPREAD


def test_a_share_beyond_all_draws_is_refused():
    with pytest.raises(ConfigError, match="`uniform_share` must lie in 0 to 1, got 2"):
        EdmConfig(uniform_share=2)
