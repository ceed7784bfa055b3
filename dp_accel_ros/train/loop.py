# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The training loop that every network here shares."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from dp_accel_ros.errors import ConfigError, NotFiniteError
from dp_accel_ros.train.ema import Ema
from dp_accel_ros.train.run_folder import RunFolder


class Draw(NamedTuple):
    """The randomness of one step; it depends on the seed and the step alone.

    A resumed run therefore draws the same batches as one that was never stopped.
    """

    rng: np.random.Generator
    torch_rng: torch.Generator


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopConfig:
    """Optimiser and length of a run."""

    steps: int
    batch_size: int = 64
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 1e-3
    warmup_share: float = 0.05
    """Share of the steps over which the learning rate rises; then it falls as a cosine."""

    checkpoint_every: int = 100
    seed: int = 0
    ema: Ema = field(default_factory=Ema)

    def __post_init__(self) -> None:
        if min(self.steps, self.batch_size, self.checkpoint_every) < 1:
            raise ConfigError(
                "`steps`, `batch_size` and `checkpoint_every` must be at least 1,"
                f" got {self.steps}, {self.batch_size} and {self.checkpoint_every}"
            )

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step, from 0."""
        warmup = max(1, round(self.warmup_share * self.steps))
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        done = (step - warmup) / max(1, self.steps - warmup)
        return self.learning_rate * 0.5 * (1.0 + math.cos(math.pi * done))

    def draw(self, step: int, device: torch.device) -> Draw:
        """Return the randomness of a step, and seed dropout with it."""
        seed = int(np.random.SeedSequence([self.seed, step]).generate_state(1)[0])
        torch.manual_seed(seed)
        return Draw(
            np.random.default_rng([self.seed, step]),
            torch.Generator(device).manual_seed(seed),
        )


def use_threads(count: int) -> None:
    """Pin the threads of every network that this process trains."""
    torch.set_num_threads(count)


def best_device() -> torch.device:
    """Return the GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def fit(
    module: nn.Module, loss: Callable[[Draw], Tensor], config: LoopConfig, folder: RunFolder
) -> Iterator[float]:
    """Train `module` in place, resuming from a checkpoint, and yield the loss of each step.

    At the end `module` holds the averaged weights, which also are in `weights.pt`.

    Raises:
        NotFiniteError: The loss is; the last checkpoint is from before.
    """
    averaged = copy.deepcopy(module).requires_grad_(False)
    optimizer = torch.optim.AdamW(
        module.parameters(), betas=config.betas, weight_decay=config.weight_decay, fused=True
    )
    first = _resume(module, averaged, optimizer, folder)
    device = next(module.parameters()).device
    rows: list[tuple[int, float, float]] = []
    for step in range(first, config.steps):
        rate = config.rate_at(step)
        for group in optimizer.param_groups:
            group["lr"] = rate
        value = loss(config.draw(step, device))
        told = value.item()
        if not math.isfinite(told):
            raise NotFiniteError(f"loss of step {step}", 1, 1)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        # One odd batch must not undo what many have taught.
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        config.ema.update(averaged, module, step)
        rows.append((step, told, rate))
        if (step + 1) % config.checkpoint_every == 0 or step + 1 == config.steps:
            _checkpoint(module, averaged, optimizer, step + 1, folder)
            folder.log(rows)
            rows.clear()
        yield told
    module.load_state_dict(averaged.state_dict())
    folder.save("weights.pt", averaged.state_dict())


def _checkpoint(
    module: nn.Module,
    averaged: nn.Module,
    optimizer: torch.optim.Optimizer,
    step: int,
    folder: RunFolder,
) -> None:
    state = {
        "step": step,
        "module": module.state_dict(),
        "averaged": averaged.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    folder.save("checkpoint.pt", state)


def _resume(
    module: nn.Module, averaged: nn.Module, optimizer: torch.optim.Optimizer, folder: RunFolder
) -> int:
    state = folder.load("checkpoint.pt")
    if state is None:
        return 0
    module.load_state_dict(state["module"])
    averaged.load_state_dict(state["averaged"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])
