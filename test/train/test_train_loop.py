# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The training loop: what it leaves behind, and that stopping changes nothing."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dp_accel_ros.errors import ConfigError, DataError, NotFiniteError  # noqa: E402
from dp_accel_ros.train.loop import Draw, LoopConfig, fit  # noqa: E402
from dp_accel_ros.train.run_folder import RunFolder  # noqa: E402

CONFIG = LoopConfig(steps=20, batch_size=8, checkpoint_every=5)


def trained(folder: RunFolder, stop_after: int | None = None) -> dict:
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Linear(3, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1)
    )

    def loss(draw: Draw) -> torch.Tensor:
        x = torch.from_numpy(draw.rng.normal(size=(8, 3)).astype(np.float32))
        return (network(x) - x.sum(1, keepdim=True)).square().mean()

    folder.begin(CONFIG)
    for _ in islice(fit(network, loss, CONFIG, folder), stop_after):
        pass
    return network.state_dict()


def test_a_stopped_and_resumed_run_gives_the_same_weights(tmp_path: Path):
    whole = trained(RunFolder(tmp_path / "whole"))
    trained(RunFolder(tmp_path / "stopped"), stop_after=13)
    resumed = trained(RunFolder(tmp_path / "stopped"))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_finished_run_leaves_config_loss_curve_weights_and_metrics(tmp_path: Path):
    folder = RunFolder(tmp_path / "run")
    weights = trained(folder)
    assert not folder.complete
    folder.finish({"error": np.float32(0.5)})
    names = {path.name for path in folder.path.iterdir()}
    assert names >= {"config.yaml", "loss.csv", "loss.png", "checkpoint.pt", "metrics.yaml"}
    assert folder.complete
    assert folder.metrics == {"error": 0.5}
    assert all(torch.equal(weights[name], value) for name, value in folder.weights().items())


def test_every_step_is_in_the_loss_file_once(tmp_path: Path):
    trained(RunFolder(tmp_path), stop_after=13)
    trained(RunFolder(tmp_path))
    lines = (tmp_path / "loss.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [str(step) for step in range(20)]


def test_a_run_is_not_continued_with_other_settings(tmp_path: Path):
    RunFolder(tmp_path).begin(CONFIG)
    with pytest.raises(ConfigError, match="belongs to a run with other settings"):
        RunFolder(tmp_path).begin(LoopConfig(steps=21))


def test_weights_of_an_unfinished_run_are_refused(tmp_path: Path):
    with pytest.raises(DataError, match=r"expected weights\.pt of a finished run"):
        RunFolder(tmp_path).weights()


def test_the_learning_rate_rises_then_falls_to_nothing():
    rates = [CONFIG.rate_at(step) for step in range(20)]
    assert rates[0] == CONFIG.learning_rate
    assert rates == sorted(rates, reverse=True)
    slow = LoopConfig(steps=100, warmup_share=0.1)
    assert slow.rate_at(0) == pytest.approx(slow.learning_rate / 10)
    assert slow.rate_at(99) < 0.01 * slow.learning_rate


def test_no_steps_are_refused():
    with pytest.raises(ConfigError, match=r"`steps`.* must be at least 1, got 0"):
        LoopConfig(steps=0)


def test_a_loss_that_is_not_a_number_ends_the_training_and_keeps_the_checkpoint(tmp_path: Path):
    folder, network = RunFolder(tmp_path / "run"), torch.nn.Linear(1, 1)
    folder.begin(CONFIG)
    drawn = []

    def loss(draw: Draw) -> torch.Tensor:
        drawn.append(draw)
        return network.weight.sum() / (0.0 if len(drawn) > 7 else 1.0) * 0.0

    with pytest.raises(NotFiniteError, match="loss of step 7: expected finite numbers"):
        list(fit(network, loss, CONFIG, folder))
    assert folder.load("checkpoint.pt")["step"] == 5
    assert all(tensor.isfinite().all() for tensor in network.state_dict().values())
