# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Distillation of the EDM teacher into a consistency student (Kim et al. 2024, Prasad et al. 2024).

    G(x, t, s) = (s / t) x + (1 - s / t) g(x, t, s)

jumps from noise t along the teacher's trajectory to noise s; g(x, t, t) is a denoiser. The student
learns that a jump from t and one from a little lower on the same trajectory land at one point.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.networks.torch_network import TorchNetwork
from dp_accel_ros.predict.networks.torch_transformer import DenoisingTransformer
from dp_accel_ros.predict.preconditioning import Preconditioning
from dp_accel_ros.predict.samplers import Consistency, Heun
from dp_accel_ros.train.chunk_batches import ChunkBatches, DiffusionData
from dp_accel_ros.train.edm import EdmConfig
from dp_accel_ros.train.karras_levels import KarrasLevels
from dp_accel_ros.train.loop import Draw, LoopConfig, best_device, fit
from dp_accel_ros.train.run_folder import RunFolder
from dp_accel_ros.train.trajectory_transformer import TrajectoryTransformer

HUBER_SCALE = 0.00054
"""Of the pseudo-Huber loss, times the root of the numbers in a chunk (Song & Dhariwal 2024)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyConfig:
    """How the student learns; its network, data and levels are the teacher's."""

    teacher: EdmConfig = field(default_factory=EdmConfig)
    weights: tuple[float, float] = (1.0, 1.0)
    """Of the consistency loss and of the denoising loss."""

    teacher_step: int = 4
    """Levels that one Heun step of the teacher passes. With one level, as Consistency Policy has
    it, the cleanest levels' answers take as many more training steps to reach the noisiest. With
    many, sigma falls by so large a factor at the clean end that Heun's correction goes astray."""

    final_share: float = 0.5
    """Share of a batch whose jumps land at the lowest level at once, as they do when sampling.

    The others land anywhere below and are compared after a second jump from there.
    """

    dropout: float = 0.0
    """Of attention weights. Consistency Policy's .2 is for thousands of epochs."""

    warm_start: bool = True
    """Whether training starts from the teacher's weights."""

    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(steps=600, batch_size=32, learning_rate=2e-4)
    )

    def __post_init__(self) -> None:
        if not 1 <= self.teacher_step < self.teacher.levels.bins:
            rule = f"between 1 and {self.teacher.levels.bins - 1}"
            raise ConfigError(f"`teacher_step` must be {rule}, got {self.teacher_step}")
        if not 0.0 <= self.final_share <= 1.0:
            raise ConfigError(f"`final_share` must lie in 0 to 1, got {self.final_share}")


class Student(nn.Module):
    """Jumps with a network; all of its weights are the network's."""

    def __init__(self, network: TrajectoryTransformer, levels: KarrasLevels) -> None:
        super().__init__()
        self.network, self.levels = network, levels
        self.scaling = Preconditioning(levels.sigma_data, boundary=levels.sigma_min)

    def forward(self, x: Tensor, t: Tensor, s: Tensor, cond: Tensor) -> tuple[Tensor, Tensor]:
        """Return G and g, (B, T, Da), for x at noise t that lands at noise s, (B,)."""
        wide, ratio = t[:, None, None], (s / t)[:, None, None]
        scaled = self.scaling.of_input(wide) * x
        times = self.levels.time(t), self.levels.time(s)
        prediction = self.network(scaled, *times, cond)
        g = self.scaling.of_x(wide) * x + self.scaling.of_prediction(wide) * prediction
        return ratio * x + (1 - ratio) * g, g


class ConsistencyLoss:
    """Distance of landing points on one trajectory, plus the denoising loss."""

    def __init__(
        self,
        student: Student,
        teacher: DenoisingTransformer,
        data: DiffusionData,
        config: ConsistencyConfig,
    ) -> None:
        device = best_device()
        self.student = student.to(device)
        self.teacher = teacher.to(device).eval().requires_grad_(False)
        self.config, self.levels = config, config.teacher.levels
        self.sigmas = self.levels.sigmas(device)
        shape = config.teacher.denoiser.windows
        self.batches = ChunkBatches(data, shape, config.loop.batch_size)

    def __call__(self, draw: Draw) -> Tensor:
        """Return the loss of one batch."""
        (clean, cond), rng = self.batches.drawn(draw), draw.torch_rng
        t, u, s = self.drawn_levels(len(clean), rng)
        eps = torch.randn(clean.shape, generator=rng, device=rng.device)
        x = clean + t[:, None, None] * eps
        with torch.no_grad():
            lower = self.teacher_step(x, t, u, cond)
            target = self._at_the_end(self.student(lower, u, s, cond)[0], s, cond)
        # One call for both: the jump from t to s, and the denoiser g(x, t, t).
        twice = [torch.cat([part, part]) for part in (x, t, cond)]
        jumped, g = self.student(twice[0], twice[1], torch.cat([s, t]), twice[2])
        landed, estimate = jumped[: len(x)], g[len(x) :]  # landing at s, and g(x, t, t)
        distances = huber(self._at_the_end(landed, s, cond), target), huber(estimate, clean)
        weights = self.config.weights
        return weights[0] * distances[0].mean() + weights[1] * distances[1].mean()

    def drawn_levels(self, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Return noise t > u >= s, (n,) each: to start from, to let the teacher reach, to land at."""
        top = len(self.sigmas)
        high = torch.randint(1, top, (n,), generator=rng, device=rng.device)
        low = (high - self.config.teacher_step).clamp(min=0)
        lot = torch.rand(n, generator=rng, device=rng.device)
        landing = (lot * (low + 1)).long().clamp(max=low)
        landing[: self._n_final(n)] = 0
        return self.sigmas[high], self.sigmas[low], self.sigmas[landing]

    def teacher_step(self, x: Tensor, t: Tensor, u: Tensor, cond: Tensor) -> Tensor:
        """Return where one Heun step of the teacher goes from x at noise t to noise u, (B,)."""
        denoised = self._taught(x, t, cond)
        ratio, wide_t, wide_u = (part[:, None, None] for part in (u / t, t, u))
        euler = denoised + ratio * (x - denoised)
        correction = (wide_t - wide_u) / (2 * wide_u)
        return euler + correction * (self._taught(euler, u, cond) - denoised)

    def _taught(self, x: Tensor, sigma: Tensor, cond: Tensor) -> Tensor:
        scaling, wide = Preconditioning(self.levels.sigma_data), sigma[:, None, None]
        prediction = self.teacher(scaling.of_input(wide) * x, self.levels.time(sigma), cond)
        denoised = scaling.of_x(wide) * x + scaling.of_prediction(wide) * prediction
        return denoised.clamp(-1, 1)

    def _n_final(self, n: int) -> int:
        return round(self.config.final_share * n)

    def _at_the_end(self, x: Tensor, s: Tensor, cond: Tensor) -> Tensor:
        """Return x, at noise s, (B,), after a jump to the lowest noise with weights held fixed."""
        first = self._n_final(len(x))  # those before are there
        if first == len(x):
            return x
        end = torch.full_like(s[first:], self.levels.sigma_min)
        fixed = {name: weight.detach() for name, weight in self.student.named_parameters()}
        # Gradients pass through to x, not to the weights: they judge the first jump alone.
        rest, _ = functional_call(self.student, fixed, (x[first:], s[first:], end, cond[first:]))
        return torch.cat([x[:first], rest])


def huber(found: Tensor, wanted: Tensor) -> Tensor:
    """Return the pseudo-Huber distance of chunks (B, T, Da), (B,)."""
    # A square near 0 and a distance far away: early jumps that miss by much do not rule the rest.
    scale = HUBER_SCALE * math.sqrt(found[0].numel())
    return ((found - wanted).square().sum(dim=(1, 2)) + scale**2).sqrt() - scale


def untrained(config: ConsistencyConfig, n_actions: int, n_features: int) -> TrajectoryTransformer:
    """Return a student's network."""
    sizes = replace(config.teacher.denoiser, dropout=config.dropout)
    return TrajectoryTransformer(sizes.network(n_actions, n_features))


def train_consistency(
    data: DiffusionData,
    config: ConsistencyConfig,
    folder: RunFolder,
    teacher: DenoisingTransformer,
) -> Iterator[float]:
    """Train the student, yielding the loss of each step; the folder then holds its weights."""
    folder.begin(config)
    torch.manual_seed(config.loop.seed)
    network = untrained(config, data.actions.shape[1], data.features.shape[1])
    if config.warm_start:
        network.body.load_state_dict(teacher.state_dict())
    loss = ConsistencyLoss(Student(network, config.teacher.levels), teacher, data, config)
    last: list[float] = []
    for value in fit(network, loss, config.loop, folder):
        last = [*last[-199:], value]
        yield value
    measured = {"train_loss": np.mean(last), "rms_to_teacher": rms_to_teacher(loss)}
    folder.finish({"steps": config.loop.steps} | measured)


def rms_to_teacher(loss: ConsistencyLoss, n_steps: int = 20) -> float:
    """Return how far one jump of the student lands from Heun's way with the teacher.

    Both start from the same noise; a root mean square over all numbers of a batch of chunks.
    """
    draw, levels = LoopConfig(steps=1, seed=12345).draw(0, best_device()), loss.levels
    (clean, cond), device = loss.batches.drawn(draw), str(best_device())
    noise = levels.sigma_max * draw.rng.standard_normal(clean.shape, dtype=np.float32)
    student = loss.student.network.landing_at(levels.end_time)
    schedule, ends = levels.schedule, []
    for network, kind, sampler in (
        (student, "consistency", Consistency.spaced(schedule, 1)),
        (loss.teacher, "edm", Heun.spaced(schedule, n_steps)),
    ):
        denoiser = Denoiser(
            TorchNetwork(network, device), schedule, kind, sigma_data=levels.sigma_data
        )
        denoise = denoiser.given(cond.cpu().numpy())
        ends.append(sampler.sample(denoise, noise, draw.rng))
    return float(np.sqrt(np.mean((ends[0] - ends[1]) ** 2)))
