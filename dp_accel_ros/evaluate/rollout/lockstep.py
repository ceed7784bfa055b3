# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Closed-loop episodes in lockstep: simulated time stands still while the policy thinks.

Many episodes advance together, so that one network batch serves all of them.

    tick         0 . . . . . . . 8 . . . . . . . 16
    observe      x             x x             x x      only the frames that a window needs
    infer        A               B               C      every `n_action_steps`
    latency 0    A0 A1 ...    A7 B0 B1 ...    B7 C0
    latency 2    - - A2 ...   A7 A8 A9 B2 ... B7 B8 B9 C2
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dp_accel_ros.chunk import NS_PER_S, ActionChunk, Cost
from dp_accel_ros.errors import ConfigError, UnknownNameError
from dp_accel_ros.evaluate.rollout.speculation_record import SpeculationRecord
from dp_accel_ros.manifest import Manifest
from dp_accel_ros.observation import Observation
from dp_accel_ros.predict.policy import Prediction
from dp_accel_ros.sim.base import Array, Task

Predict = Callable[[list[Observation], list[Prediction | None]], Sequence[Prediction]]
"""From the observations of all running episodes, and what was predicted last, to new chunks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutConfig:
    """How chunks are executed."""

    n_obs_steps: int
    n_action_steps: int
    """Actions executed of every chunk (Ta)."""

    max_action_steps: int
    """Actions in every chunk."""

    latency_ticks: int = 0
    """Control ticks between an observation and the first use of its chunk."""

    with_images: bool = True
    """False for policies without cameras: nothing is drawn, which is most of a tick's time."""

    state: tuple[str, ...] = ()
    """What the policy sees of the task's state, by name and in its order."""

    refuse_ood: bool = False
    """Whether chunks that are out of distribution are not executed: the old one runs out, then the
    arm holds, as under the chunk scheduler's parameter of this name."""

    @classmethod
    def of(
        cls,
        manifest: Manifest,
        n_action_steps: int | None = None,
        latency_ticks: int = 0,
        *,
        refuse_ood: bool = False,
    ) -> RolloutConfig:
        """Return how chunks of a bundle are executed, `n_action_steps` as there if None."""
        return cls(
            n_obs_steps=manifest.n_obs_steps,
            n_action_steps=n_action_steps or manifest.n_action_steps,
            max_action_steps=manifest.max_action_steps,
            latency_ticks=latency_ticks,
            with_images=bool(manifest.cameras),
            state=tuple(manifest.state),
            refuse_ood=refuse_ood,
        )

    def __post_init__(self) -> None:
        used = self.n_action_steps + self.latency_ticks
        for name, lowest in (("n_obs_steps", 1), ("n_action_steps", 1), ("latency_ticks", 0)):
            if getattr(self, name) < lowest:
                raise ConfigError(f"`{name}` must be at least {lowest}, got {getattr(self, name)}")
        if used > self.max_action_steps:
            raise ConfigError(
                "`n_action_steps` + `latency_ticks` must be at most"
                f" {self.max_action_steps}, the actions of a chunk, got {used}"
            )

    def infers(self, tick: int) -> bool:
        """Say whether a chunk is predicted at this tick."""
        return tick % self.n_action_steps == 0

    def observes(self, tick: int) -> bool:
        """Say whether some window needs the frame of this tick."""
        return -tick % self.n_action_steps < self.n_obs_steps


@dataclass(frozen=True, slots=True)
class EpisodeResult:
    """What one episode came to, and what each of its chunks cost."""

    seed: int
    success: bool
    ticks: int
    """Control ticks until success, or until time was up."""

    nfe: tuple[int, ...]
    """Network evaluations of each chunk."""

    retrieval_distances: tuple[float, ...]
    """Retrieval distances of the chunks that have one."""

    n_ood: int
    """Chunks whose observation lay outside what the store covers."""

    score: float | None = None
    """How much of the goal was reached, from 0 to 1; None where it was not kept."""

    speeds: tuple[float, ...] = ()
    """How fast the end effector moved until the next chunk came, m/s, one number a chunk."""

    speculation: SpeculationRecord | None = None
    """What was drafted and accepted, where the method speculates."""


def run_episodes(
    tasks: Sequence[Task], seeds: Sequence[int], predict: Predict, config: RolloutConfig
) -> list[EpisodeResult]:
    """Run one episode per seed on as many tasks, all in lockstep, and return them in order."""
    if len(seeds) > len(tasks):
        raise ConfigError(f"{len(seeds)} episodes need as many tasks, got {len(tasks)}")
    runs = [Run(task, seed, config) for task, seed in zip(tasks, seeds, strict=False)]
    for tick in range(max((run.task.max_ticks for run in runs), default=0)):
        under_way = [run for run in runs if not run.done]
        if not under_way:
            break
        advance(under_way, tick, predict, config)
    return [run.result() for run in runs]


def advance(runs: Sequence[Run], tick: int, predict: Predict, config: RolloutConfig) -> None:
    """Make a tick of all `runs`, each of which has made as many as `tick` says."""
    if config.observes(tick):
        for run in runs:
            run.observe()
    if config.infers(tick):
        _infer(runs, predict)
    for run in runs:
        run.step()


def batches(seeds: Sequence[int], size: int) -> Iterator[tuple[int, ...]]:
    """Yield the seeds in groups of up to `size`."""
    for start in range(0, len(seeds), size):
        yield tuple(seeds[start : start + size])


def _infer(runs: Sequence[Run], predict: Predict) -> None:
    predictions = predict([run.observation() for run in runs], [run.newest for run in runs])
    for run, prediction in zip(runs, predictions, strict=True):
        run.receive(prediction)


class Run:
    """One episode under way."""

    def __init__(self, task: Task, seed: int, config: RolloutConfig) -> None:
        self.task, self.seed, self.config = task, seed, config
        self.tick, self.success = 0, False
        self.newest: Prediction | None = None
        self._frames: dict[int, Observation] = {}
        self._state = _places(config.state, task) if config.state else None
        self._chunks: list[tuple[int, ActionChunk]] = []
        self._costs: list[Cost] = []
        task.reset(seed)
        self._held = task.joint_positions()
        self._tip = task.effector_position()
        self._travels: list[tuple[float, int]] = []

    @property
    def done(self) -> bool:
        """True once the goal is reached or time is up."""
        return self.success or self.tick >= self.task.max_ticks

    def observe(self) -> None:
        """Keep what the robot sees at this tick, and only what later windows can need."""
        self._frames[self.tick] = self._instant()
        oldest = self.tick - self.config.n_obs_steps + 1
        self._frames = {tick: seen for tick, seen in self._frames.items() if tick >= oldest}

    def observation(self) -> Observation:
        """Return the window that ends at this tick; before the first frame, that one repeats."""
        steps = range(self.tick - self.config.n_obs_steps + 1, self.tick + 1)
        seen = [self._frames[max(0, step)] for step in steps]
        images = {name: np.stack([one.images[name] for one in seen]) for name in seen[0].images}
        states = [one.state for one in seen if one.state is not None]
        return Observation(
            round(self.tick * self.task.dt * NS_PER_S),
            images,
            np.stack([one.joints for one in seen]),
            np.stack(states) if states else None,
        )

    def _instant(self) -> Observation:
        """Return what is seen and measured now, without the dimension of steps."""
        return Observation(
            round(self.tick * self.task.dt * NS_PER_S),
            self.task.images() if self.config.with_images else {},
            self.task.joint_positions().astype(np.float32),
            None if self._state is None else self.task.state()[self._state].astype(np.float32),
        )

    def receive(self, prediction: Prediction) -> None:
        """Take the chunk that answers the observation of this tick."""
        self.newest = prediction
        self._costs.append(prediction.cost)
        reach = self.config.max_action_steps
        # Older chunks stay while they reach: with a latency the next ticks are still theirs.
        usable = [item for item in self._chunks if item[0] + reach > self.tick]
        refused = self.config.refuse_ood and prediction.cost.ood
        self._chunks = usable if refused else [*usable, (self.tick, prediction.chunk)]
        self._travels.append((0.0, 0))

    def step(self) -> None:
        """Execute what is due at this tick."""
        self._held = self.action()
        self.task.step(self._held)
        self.tick += 1
        self.success = self.task.success()
        before, self._tip = self._tip, self.task.effector_position()
        distance, ticks = self._travels[-1]
        self._travels[-1] = distance + float(np.linalg.norm(self._tip - before)), ticks + 1

    def action(self) -> Array:
        """Return the targets that are due at this tick, (Da,); without any, the last ones."""
        # The newest that could be there by now: its first actions are still the older one's.
        for start, chunk in reversed(self._chunks):
            index = self.tick - start
            if self.config.latency_ticks <= index < len(chunk.actions):
                return chunk.actions[index].astype(np.float64)
        return self._held

    def result(self) -> EpisodeResult:
        """Return what the episode came to."""
        distances = (cost.retrieval_distance for cost in self._costs)
        told = [cost.speculation for cost in self._costs if cost.speculation is not None]
        return EpisodeResult(
            self.seed,
            self.success,
            self.tick,
            nfe=tuple(cost.nfe for cost in self._costs),
            retrieval_distances=tuple(d for d in distances if d is not None),
            n_ood=sum(cost.ood for cost in self._costs),
            score=self.task.score(),
            speeds=tuple(
                round(distance / (ticks * self.task.dt), 6) for distance, ticks in self._travels
            ),
            speculation=SpeculationRecord.of(told),
        )


def _places(names: Sequence[str], task: Task) -> list[int]:
    """Return where the named numbers are in a task's state."""
    for name in names:
        if name not in task.state_names:
            raise UnknownNameError(
                f"number in the state of task {task.name!r}", name, task.state_names
            )
    return [task.state_names.index(name) for name in names]
