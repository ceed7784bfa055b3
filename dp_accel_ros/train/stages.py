# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""From nothing to a bundle: every stage skips what is complete and resumes what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dp_accel_ros.data.episodes import Episodes, EpisodeWriter, complete_episodes
from dp_accel_ros.data.perception_set import FramesOf
from dp_accel_ros.data.record import Expert, facts_of, record
from dp_accel_ros.errors import ConfigError, UnknownNameError
from dp_accel_ros.sim import SCATTERED, TASKS, Task
from dp_accel_ros.sim.experts import EXPERTS
from dp_accel_ros.train.assembly import assemble
from dp_accel_ros.train.consistency import train_consistency
from dp_accel_ros.train.contrastive import train_contrastive
from dp_accel_ros.train.diffusion import train_diffusion
from dp_accel_ros.train.drafter import train_drafter
from dp_accel_ros.train.edm import train_edm
from dp_accel_ros.train.lookup import lookup_metrics
from dp_accel_ros.train.perception import train_perception
from dp_accel_ros.train.workshop import TRAINED, Workshop


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of the way; `steps` does the work and yields as often as `n_steps`."""

    name: str
    n_steps: int
    complete: Callable[[], bool]
    steps: Callable[[], Iterator[object]]


def stages(shop: Workshop, out: Path) -> dict[str, Stage]:
    """Return the stages in the order in which they build on each other."""
    recipe = shop.recipe
    if recipe.task not in TASKS:
        raise UnknownNameError("simulated task", recipe.task, TASKS)
    if recipe.recordings is None and recipe.task not in EXPERTS:
        raise ConfigError(
            f"task {recipe.task!r} has no scripted expert: give `recordings` of it"
            f" (tasks with an expert: {', '.join(sorted(EXPERTS))})"
        )
    wanted, scenes = recipe.n_demonstrations, recipe.perception_set.n_scenes
    found = [
        Stage(
            "demonstrations",
            wanted,
            lambda: complete_episodes(shop.demonstrations_path) >= wanted,
            lambda: _record(shop),
        ),
        Stage(
            "perception-set",
            scenes,
            lambda: complete_episodes(shop.perception_set_path) >= scenes,
            lambda: _render(shop),
        ),
        _training(shop, "perception", recipe.perception.loop.steps, _perception),
        _training(shop, "contrastive", recipe.contrastive.loop.steps, _contrastive),
        _training(shop, "diffusion", recipe.diffusion.loop.steps, _diffusion),
        _training(shop, "drafter", recipe.drafter.loop.steps, _drafter),
        _training(shop, "edm", recipe.edm.loop.steps, _edm),
        _training(shop, "consistency", recipe.consistency.loop.steps, _consistency),
        Stage(
            "successes",
            recipe.own_successes.n_episodes,
            lambda: shop.successes.complete,
            lambda: _succeed(shop),
        ),
        Stage("bundle", 1, lambda: False, lambda: iter([assemble(shop, out)])),
    ]
    left_out = {name for name in TRAINED if name not in shop.trained}
    if recipe.perception.objective == "actions" or "perception" in left_out:
        left_out.add("perception-set")
    if recipe.recordings is not None:
        left_out.add("demonstrations")
    if recipe.recordings is None or not recipe.own_successes.n_episodes:
        left_out.add("successes")
    return {stage.name: stage for stage in found if stage.name not in left_out}


def stage_of(shop: Workshop, out: Path, name: str) -> Stage:
    """Return one stage by its name.

    Raises:
        UnknownNameError: The way of this recipe to a bundle has no such stage.
    """
    found = stages(shop, out)
    if name not in found:
        raise UnknownNameError(f"stage of {shop.recipe.task!r}", name, found)
    return found[name]


def _training(
    shop: Workshop, name: str, n_steps: int, steps: Callable[[Workshop], Iterator[object]]
) -> Stage:
    return Stage(name, n_steps, lambda: shop.run(name).complete, lambda: steps(shop))


def _cast(shop: Workshop) -> tuple[Task, Expert]:
    return TASKS[shop.recipe.task](), EXPERTS[shop.recipe.task]()


def _record(shop: Workshop) -> Iterator[object]:
    task, expert = _cast(shop)
    recipe, with_images = shop.recipe, not shop.recipe.from_state
    writer = EpisodeWriter(shop.demonstrations_path, facts_of(task, with_images=with_images))
    for recorded in record(
        task,
        expert,
        writer,
        recipe.n_demonstrations,
        recipe.first_seed,
        recipe.exploration,
        with_images=with_images,
    ):
        if recorded.succeeded:
            yield recorded
    task.close()


def _render(shop: Workshop) -> Iterator[object]:
    name, seen = shop.recipe.task, shop.recipe.perception_set
    task = TASKS[name]()
    writer = EpisodeWriter(shop.perception_set_path, facts_of(task))
    if name in SCATTERED:
        frames_of: FramesOf = partial(seen.of_scattered, task, SCATTERED[name])
    else:
        frames_of = partial(seen.of_run, task, EXPERTS[name]())
    yield from seen.render(frames_of, writer)
    task.close()


def _perception(shop: Workshop) -> Iterator[object]:
    names: Any = Episodes.open(shop.perception_set_path).attributes["state_names"]
    yield from train_perception(
        shop.perception_data(), shop.recipe.perception, shop.run("perception"), names
    )


def _contrastive(shop: Workshop) -> Iterator[object]:
    config, folder = shop.recipe.contrastive, shop.run("contrastive")
    yield from train_contrastive(shop.contrastive_data(), config, folder, shop.visual_encoder())
    folder.finish({"steps": config.loop.steps} | lookup_metrics(shop))


def _diffusion(shop: Workshop) -> Iterator[object]:
    yield from train_diffusion(shop.diffusion_data(), shop.recipe.diffusion, shop.run("diffusion"))


def _drafter(shop: Workshop) -> Iterator[object]:
    data = shop.diffusion_data()
    target = shop.denoiser(data.features.shape[1])
    yield from train_drafter(target, data, shop.recipe.drafter, shop.run("drafter"))


def _edm(shop: Workshop) -> Iterator[object]:
    config = shop.recipe.edm
    start = shop.run("diffusion").weights() if config.warm_start else None
    yield from train_edm(shop.diffusion_data(), config, shop.run("edm"), start)


def _succeed(shop: Workshop) -> Iterator[object]:
    policy = assemble(shop, shop.path / "policy", with_store=False)
    yield from shop.successes.collect(policy, TASKS[shop.recipe.task])


def _consistency(shop: Workshop) -> Iterator[object]:
    config, data = shop.recipe.consistency, shop.diffusion_data()
    teacher = shop.edm(data.features.shape[1])
    yield from train_consistency(data, config, shop.run("consistency"), teacher)
