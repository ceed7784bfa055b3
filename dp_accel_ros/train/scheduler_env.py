# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Lockstep episodes of a real policy as a gymnasium environment: one step is one chunk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from dp_accel_ros.chunk import NS_PER_S
from dp_accel_ros.evaluate.rollout import RolloutConfig, Run
from dp_accel_ros.predict.assemble import make_method
from dp_accel_ros.predict.methods import TsdpConfig
from dp_accel_ros.predict.policy import Policy
from dp_accel_ros.predict.speculation.scheduling.choices import output_names, plan_from
from dp_accel_ros.predict.speculation.scheduling.ppo_scheduler import planned
from dp_accel_ros.predict.speculation.scheduling.view import LIMIT, SchedulerView
from dp_accel_ros.sim.base import Task
from dp_accel_ros.speculation_facts import SpeculationFacts

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reward:
    """What TS-DP's scheduler is paid (eq. 14-15)."""

    process: float = 0.1
    """For each chunk, times n_accept / n_draft + n_accept / n_diffusion (lambda_r)."""

    final: float = 1.0
    """Once, on success (R_final)."""

    def of(self, facts: SpeculationFacts, *, success: bool) -> float:
        """Return the reward of a chunk after which the episode was a success or not."""
        n_kept = int(facts.kept.sum())
        of_drafts = n_kept / facts.drafts if facts.drafts else 0.0
        earned = self.process * (of_drafts + n_kept / len(facts.levels))
        return earned + self.final * success


class ChunkEnv(gymnasium.Env[Array, Array]):
    """Episodes as `run_episodes` runs them, the plan of every chunk being the action.

    `reset(seed)` starts the episode of that seed, `reset()` that of the next one. The chunks of an
    episode are drawn from its seed too, so a rollout with the same plans is the same episode.
    """

    def __init__(
        self,
        policy: Policy,
        task: Task,
        base: TsdpConfig | None = None,
        reward: Reward | None = None,
    ) -> None:
        """Make an environment.

        Args:
            policy: What turns observations into chunks.
            task: The simulated task that the policy was trained for.
            base: Parameters of TS-DP besides the plan.
            reward: What a chunk earns.
        """
        facts = policy.manifest
        self._policy, self._task = policy, task
        self.base, self._reward = base or TsdpConfig(), reward or Reward()
        self.view = SchedulerView.of(facts, task.max_ticks * task.dt)
        self._config = RolloutConfig.of(facts)
        self.observation_space = Box(-LIMIT, LIMIT, (self.view.size,), np.float32)
        n_outputs = len(output_names(self.base.accept))
        self.action_space = Box(-1.0, 1.0, (n_outputs,), np.float32)
        self._seed = -1
        self._run: Run | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Start an episode and return what the scheduler sees, (O,)."""
        super().reset(seed=seed, options=options)
        self._seed = self._seed + 1 if seed is None else seed
        self._rng = np.random.default_rng([self._seed])
        self._run = Run(self._task, self._seed, self._config)
        self._run.observe()
        return self._seen(self._run), {}

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Make a chunk under a plan and execute it; see `gymnasium.Env.step`."""
        run = self._run
        assert run is not None, "reset first"
        plan = plan_from(action, self.base.accept)
        method = make_method("tsdp", self._policy, planned(self.base, plan))
        made = self._policy.predict(run.observation(), method, self._rng, previous=run.newest)
        run.receive(made)
        self._execute(run)
        told = made.cost.speculation
        assert told is not None, "TS-DP speculates"
        reward = self._reward.of(told, success=run.success)
        facts = {
            "success": run.success,
            "rounds": told.rounds,
            "rows": told.rows,
            "acceptance": told.acceptance,
            "bias_budget": told.bias_budget,
            **{f"draft_length_{stage}": k for stage, k in enumerate(plan.draft_length)},
        }
        return self._seen(run), reward, run.success, run.done and not run.success, facts

    def close(self) -> None:
        """Free the graphics context."""
        self._task.close()

    def _execute(self, run: Run) -> None:
        """Run until the next chunk is due or the episode is over."""
        while not run.done:
            run.step()
            if self._config.observes(run.tick):
                run.observe()
            if self._config.infers(run.tick):
                return

    def _seen(self, run: Run) -> Array:
        joints, now_ns = self._task.joint_positions(), round(run.tick * self._task.dt * NS_PER_S)
        n_levels = len(self._policy.denoiser.schedule)
        return self.view.in_lockstep(joints, now_ns, run.newest, n_levels)
