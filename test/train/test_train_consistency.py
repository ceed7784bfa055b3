# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Distillation: what the student's losses ask for, and that a tiny student learns to jump."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dp_accel_ros.data.windows import WindowShape  # noqa: E402
from dp_accel_ros.errors import ConfigError  # noqa: E402
from dp_accel_ros.predict.denoiser import Denoiser  # noqa: E402
from dp_accel_ros.predict.networks.torch_network import TorchNetwork  # noqa: E402
from dp_accel_ros.predict.preconditioning import Preconditioning  # noqa: E402
from dp_accel_ros.predict.samplers import Heun  # noqa: E402
from dp_accel_ros.train.chunk_batches import DiffusionData  # noqa: E402
from dp_accel_ros.train.consistency import (  # noqa: E402
    ConsistencyConfig,
    ConsistencyLoss,
    Student,
    huber,
    rms_to_teacher,
    train_consistency,
    untrained,
)
from dp_accel_ros.train.diffusion import DiffusionConfig  # noqa: E402
from dp_accel_ros.train.edm import EdmConfig  # noqa: E402
from dp_accel_ros.train.karras_levels import KarrasLevels  # noqa: E402
from dp_accel_ros.train.loop import LoopConfig  # noqa: E402
from dp_accel_ros.train.run_folder import RunFolder  # noqa: E402

WINDOWS = WindowShape(n_obs_steps=1, horizon=2, n_action_steps=1)
SIZES = DiffusionConfig(windows=WINDOWS, n_layers=1, n_heads=2, width=32, dropout=0.0)
LOOP = LoopConfig(steps=4, batch_size=16, checkpoint_every=2)
CONFIG = ConsistencyConfig(teacher=EdmConfig(denoiser=SIZES), loop=LOOP)
LEVELS = CONFIG.teacher.levels
CPU = torch.device("cpu")


def gaussian(mean: float = 0.3, std: float = 0.0, n: int = 400) -> DiffusionData:
    """Return chunks of numbers that are N(mean, std²); the condition says nothing."""
    actions = mean + std * np.random.default_rng(0).standard_normal((n, 1))
    zeros = np.zeros((n, 2), np.float32)
    return DiffusionData(zeros, actions.astype("f4"), np.array([n]), zeros[0])


class GaussianTeacher(torch.nn.Module):
    """Predicts what an EDM network would that knows N(mean, std²)."""

    def __init__(self, mean: float = 0.3, std: float = 0.0) -> None:
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, x, t, cond):
        sigma = (4 * t.double() / LEVELS.time_scale).exp()[:, None, None]
        scaling, noisy = Preconditioning(0.5), x * (sigma**2 + 0.25) ** 0.5
        clean = self.mean + self.std**2 / (self.std**2 + sigma**2) * (noisy - self.mean)
        return ((clean - scaling.of_x(sigma) * noisy) / scaling.of_prediction(sigma)).float()


class KnowingNetwork(torch.nn.Module):
    """Predicts what makes a student's g the only chunk there is."""

    def __init__(self, mean: float = 0.3) -> None:
        super().__init__()
        self.mean = torch.nn.Parameter(torch.tensor(mean))

    def forward(self, x, t, s, cond):
        sigma = (4 * t.double() / LEVELS.time_scale).exp()[:, None, None]
        scaling = Preconditioning(0.5, boundary=LEVELS.sigma_min)
        noisy = x * (sigma**2 + 0.25) ** 0.5
        rest = self.mean - scaling.of_x(sigma) * noisy
        return (rest / scaling.of_prediction(sigma).clamp(min=1e-6)).float()


def loss_of(network, teacher, data: DiffusionData, config=CONFIG) -> ConsistencyLoss:
    return ConsistencyLoss(Student(network, LEVELS), teacher, data, config)


def test_a_student_that_knows_the_only_chunk_loses_nothing():
    loss = loss_of(KnowingNetwork(), GaussianTeacher(), gaussian())
    assert loss(LOOP.draw(0, CPU)).item() < 1e-3
    wrong = loss_of(KnowingNetwork(0.5), GaussianTeacher(), gaussian())
    assert wrong(LOOP.draw(0, CPU)).item() > 0.2


@torch.no_grad()
def test_a_teachers_step_is_one_of_heuns_sampler():
    teacher = GaussianTeacher(0.2, 0.4)
    loss, high, low = loss_of(KnowingNetwork(), teacher, gaussian()), 40, 36
    schedule, x = LEVELS.schedule, 0.5 * torch.randn((5, 2, 1))
    t, u = (loss.sigmas[level].repeat(5) for level in (high, low))
    ours = loss.teacher_step(x, t, u, torch.zeros((5, 1, 2)))
    denoise = Denoiser(TorchNetwork(teacher), schedule, "edm").given(np.zeros((5, 1, 2), "f4"))
    theirs = Heun(schedule, (high,), low).sample(denoise, x.numpy(), np.random.default_rng(0))
    np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-5)


def test_the_teacher_steps_down_and_the_student_lands_below():
    loss, rng = loss_of(KnowingNetwork(), GaussianTeacher(), gaussian()), torch.Generator()
    t, u, s = loss.drawn_levels(4000, rng.manual_seed(0))
    assert ((t > u) & (u >= s)).all()
    assert (s[:2000] == loss.sigmas[0]).all()
    assert len(s[2000:].unique()) > 60
    level = {round(v, 4): i for i, v in enumerate(loss.sigmas.tolist())}
    steps = [
        level[round(a, 4)] - level[round(b, 4)]
        for a, b in zip(t.tolist(), u.tolist(), strict=True)
    ]
    assert max(steps) == CONFIG.teacher_step
    assert np.mean(np.array(steps) == CONFIG.teacher_step) > 0.95


@torch.no_grad()
def test_a_warm_student_begins_as_its_teacher():
    torch.manual_seed(0)
    teacher, network = SIZES.network(1, 2).eval(), untrained(CONFIG, 1, 2).eval()
    network.body.load_state_dict(teacher.state_dict())
    x, cond = torch.randn((3, 2, 1)), torch.randn((3, 1, 2))
    t, s = torch.tensor([-900.0, 3.0, 1000.0]), torch.tensor([-978.0, -978.0, 5.0])
    assert torch.equal(network(x, t, s, cond), teacher(x, t, cond))


@torch.no_grad()
def test_one_landing_time_makes_a_student_a_plain_denoiser():
    torch.manual_seed(0)
    network = untrained(CONFIG, 1, 2).eval()
    torch.nn.init.normal_(network.landing.weight)
    x, cond, t = (
        torch.randn((3, 2, 1)),
        torch.randn((3, 1, 2)),
        torch.tensor([-900.0, 3.0, 1000.0]),
    )
    end = torch.full((3,), LEVELS.end_time)
    fixed = network.landing_at(LEVELS.end_time)
    assert torch.allclose(fixed(x, t, cond), network(x, t, end, cond), atol=1e-6)
    assert not torch.allclose(network.landing_at(0.0)(x, t, cond), fixed(x, t, cond), atol=1e-3)


def test_gradients_of_jumps_that_land_higher_pass_the_second_jump_and_not_its_weights():
    config = replace(CONFIG, final_share=0.0, weights=(1.0, 0.0))
    network = KnowingNetwork(0.1)
    loss = loss_of(network, GaussianTeacher(), gaussian(), config)
    loss(LOOP.draw(0, CPU)).backward()
    assert network.mean.grad is not None
    assert network.mean.grad.abs() > 1e-4


def test_the_distance_of_equal_chunks_is_0_and_that_of_far_ones_is_euclidean():
    a, b = torch.zeros((2, 3, 4)), torch.zeros((2, 3, 4))
    b[1] = 2.0
    assert huber(a, b)[0].item() == 0.0
    assert huber(a, b)[1].item() == pytest.approx(2 * 12**0.5, abs=0.01)


def test_a_stopped_and_resumed_run_gives_the_same_student(tmp_path: Path):
    torch.manual_seed(0)
    data, teacher = gaussian(std=0.2), SIZES.network(1, 2)
    whole, stopped = RunFolder(tmp_path / "a"), RunFolder(tmp_path / "b")
    list(train_consistency(data, CONFIG, whole, teacher))
    list(islice(train_consistency(data, CONFIG, stopped, teacher), 3))
    list(train_consistency(data, CONFIG, stopped, teacher))
    assert all(torch.equal(stopped.weights()[k], v) for k, v in whole.weights().items())


def test_a_tiny_student_learns_where_the_teachers_trajectories_end():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    levels, loop = KarrasLevels(sigma_max=2.0, bins=16), replace(LOOP, steps=60, batch_size=64)
    config = ConsistencyConfig(
        teacher=EdmConfig(denoiser=SIZES, levels=levels), teacher_step=2, loop=loop
    )
    network, data = untrained(config, 1, 2), gaussian(0.3, 0.2)
    student = Student(network, levels)
    loss = ConsistencyLoss(student, GaussianTeacher(0.3, 0.2), data, config)
    before = rms_to_teacher(loss, n_steps=15)
    optimizer = torch.optim.Adam(network.parameters())
    for step in range(loop.steps):
        optimizer.param_groups[0]["lr"] = 5e-3 * (1 - step / loop.steps)
        optimizer.zero_grad()
        loss(loop.draw(step, CPU)).backward()
        optimizer.step()
    # A student that gave the mean of all chunks would be .2 off.
    assert rms_to_teacher(loss, n_steps=15) < 0.1 < before


def test_a_teachers_step_beyond_all_levels_is_refused():
    with pytest.raises(ConfigError, match="`teacher_step` must be between 1 and 79, got 80"):
        ConsistencyConfig(teacher_step=80)


def test_levels_that_do_not_rise_are_refused():
    with pytest.raises(ConfigError, match="`sigma_min` must lie between 0 and `sigma_max`"):
        KarrasLevels(sigma_min=90.0)
