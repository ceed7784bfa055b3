# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""PPO for the chunk scheduler: rollouts, updates, checkpoints and the learning curve."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from torch import Tensor, nn

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.train.run_folder import RunFolder

Row = dict[str, float]
"""One line of the learning curve: means over the chunks or episodes of an iteration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PpoConfig:
    """What one run of PPO is made of; how long it goes on is up to its caller."""

    chunks_per_iteration: int = 128
    """Environment steps between two updates."""

    hidden: tuple[int, ...] = (64, 64)
    epochs: int = 10
    batch_size: int = 64
    learning_rate: float = 3e-4
    clip: float = 0.2
    gamma: float = 0.99
    gae_lambda: float = 0.95
    entropy: float = 0.01
    value: float = 0.5
    log_std: float = -0.5
    """Logarithm of the first standard deviation of an action, whose range is 2 wide."""

    seed: int = 0
    first_episode: int = 1_000_000
    """Seed of the first episode; demonstrations and evaluations use lower ones."""

    episodes_per_iteration: int = 1000
    """How far apart the seeds of two iterations begin; more than there can be episodes."""

    def __post_init__(self) -> None:
        if self.batch_size < 2 or self.chunks_per_iteration % self.batch_size:
            raise ConfigError(
                "`chunks_per_iteration` must be a multiple of `batch_size`, which is at least 2,"
                f" got {self.chunks_per_iteration} and {self.batch_size}"
            )


def ppo_for(env: gymnasium.Env[Any, Any], config: PpoConfig) -> PPO:
    """Return an untrained agent for an environment."""
    return PPO(
        "MlpPolicy",
        env,
        n_steps=config.chunks_per_iteration,
        batch_size=config.batch_size,
        n_epochs=config.epochs,
        learning_rate=config.learning_rate,
        clip_range=config.clip,
        gamma=config.gamma,
        gae_lambda=config.gae_lambda,
        ent_coef=config.entropy,
        vf_coef=config.value,
        policy_kwargs={
            "net_arch": {"pi": list(config.hidden), "vf": list(config.hidden)},
            "activation_fn": nn.Tanh,
            "log_std_init": config.log_std,
        },
        seed=config.seed,
        device="cpu",
    )


def train_scheduler(
    agent: PPO,
    config: PpoConfig,
    folder: RunFolder,
    iterations: int,
    on_chunk: Callable[[], object] = lambda: None,
) -> Iterator[list[Row]]:
    """Train up to `iterations` in all and yield the curve, first as a checkpoint left it.

    Each iteration draws from its own seeds and begins with a new episode, so that a run that was
    stopped gives the same agent as one that was not.

    Args:
        agent: From `ppo_for` with the same config.
        config: What the run is made of.
        folder: Where checkpoint and learning curve go.
        iterations: When to end; a finished run may be continued with more.
        on_chunk: Called after every chunk.
    """
    curve = _resume(agent, folder)
    yield curve
    for iteration in range(len(curve), iterations):
        # the agent's seed becomes that of the next episode
        agent.set_random_seed(
            config.first_episode + iteration * config.episodes_per_iteration + config.seed
        )
        listener = _Listener(on_chunk)
        agent.learn(config.chunks_per_iteration, callback=listener)
        curve.append({"iteration": float(iteration), **listener.row(), **_losses(agent)})
        folder.save("checkpoint.pt", _state(agent, curve))
        _write_curve(folder, curve)
        yield curve


def known(row: Row) -> Row:
    """Return what a line of the learning curve knows."""
    return {name: value for name, value in row.items() if not np.isnan(value)}


class MeanAction(nn.Module):
    """What a trained agent does without exploring: (B, O) to (B, A) in [-1, 1]."""

    def __init__(self, agent: PPO) -> None:
        super().__init__()
        policy = agent.policy
        self.body, self.head = policy.mlp_extractor.policy_net, policy.action_net

    def forward(self, observation: Tensor) -> Tensor:
        """Return the mean of each action's distribution, cut to its range."""
        return torch.clamp(self.head(self.body(observation)), -1.0, 1.0)


class _Listener(BaseCallback):
    """Collects what the environment says of each chunk."""

    def __init__(self, on_chunk: Callable[[], object]) -> None:
        super().__init__()
        self._on_chunk = on_chunk
        self._facts: list[Row] = []
        self._returns: list[float] = []
        self._successes: list[bool] = []
        self._return = 0.0

    def _on_step(self) -> bool:
        (reward,), (told,), (done,) = (
            self.locals["rewards"],
            self.locals["infos"],
            self.locals["dones"],
        )
        self._return += float(reward)
        numbers = {k: float(v) for k, v in told.items() if isinstance(v, (int, float))}
        numbers.pop("TimeLimit.truncated", None)
        self._facts.append({"reward": float(reward), **numbers})
        if done:
            self._returns.append(self._return)
            self._successes.append(bool(told.get("success", False)))
            self._return = 0.0
        self._on_chunk()
        return True

    def row(self) -> Row:
        """Return means over the chunks, and over the episodes that ended."""
        keys = [key for key in self._facts[0] if key != "success"]
        of_chunks = {key: _mean([f[key] for f in self._facts]) for key in keys}
        return {
            "chunks": float(len(self._facts)),
            "episodes": float(len(self._returns)),
            "episode_return": _mean(self._returns),
            "success_rate": _mean(self._successes),
            **of_chunks,
        }


def _mean(values: Sequence[float]) -> float:
    """Return the mean of what is known; NaN where nothing is."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _losses(agent: PPO) -> Row:
    names = ("approx_kl", "clip_fraction", "entropy_loss", "explained_variance", "std")
    told = agent.logger.name_to_value
    return {name: float(told[f"train/{name}"]) for name in names}


def _state(agent: PPO, curve: list[Row]) -> dict[str, Any]:
    policy = agent.policy
    return {
        "policy": policy.state_dict(),
        "optimizer": policy.optimizer.state_dict(),
        "curve": curve,
    }


def _resume(agent: PPO, folder: RunFolder) -> list[Row]:
    state = folder.load("checkpoint.pt")
    if state is None:
        return []
    agent.policy.load_state_dict(state["policy"])
    agent.policy.optimizer.load_state_dict(state["optimizer"])
    return list(state["curve"])


def _write_curve(folder: RunFolder, curve: list[Row]) -> None:
    with (folder.path / "curve.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(curve[0]))
        writer.writeheader()
        # an iteration in which no episode ended has no success rate, and says nothing
        writer.writerows({k: f"{v:.6g}" for k, v in known(row).items()} for row in curve)
