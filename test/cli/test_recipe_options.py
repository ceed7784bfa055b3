# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What a recipe is when little is said: the numbers of the task's own bundle."""

import argparse

import pytest

for needed in ("torch", "zarr", "tqdm", "mujoco"):
    pytest.importorskip(needed)

from dp_accel_ros.cli.recipe_options import (  # noqa: E402
    USUAL_BY_TASK,
    add_recipe_options,
    workshop_from,
)
from dp_accel_ros.sim import TASKS  # noqa: E402
from dp_accel_ros.train.workshop import Recipe  # noqa: E402


def recipe(*told: str) -> Recipe:
    parser = argparse.ArgumentParser()
    add_recipe_options(parser)
    return workshop_from(parser.parse_args(["--threads", "1", *told])).recipe


def test_a_task_brings_the_numbers_of_its_bundle():
    found = recipe("--task", "pick_place")
    assert (found.observe, found.n_demonstrations, found.n_stored) == ("pixels", 300, 130)
    found = recipe("--task", "block_push")
    assert (found.observe, found.n_demonstrations, found.n_stored) == ("state", 400, 150)
    assert found.diffusion.estimate_noise == 0.01
    denoiser = found.diffusion
    assert (denoiser.n_layers, denoiser.width, denoiser.actions_per_token) == (4, 128, 4)
    assert recipe("--task", "pusht").diffusion.loop.steps == 40000


def test_a_task_without_numbers_of_its_own_has_those_of_the_recipe():
    found, usual = recipe(), Recipe(task="lift")
    assert (found.observe, found.n_demonstrations) == ("pixels", usual.n_demonstrations)
    assert found.n_stored is None
    assert found.diffusion == usual.diffusion


def test_what_is_given_counts_more_than_the_task():
    told = ("--demonstrations", "7", "--stored", "3", "--observe", "state")
    found = recipe("--task", "pick_place", *told, "--diffusion-steps", "9")
    assert recipe("--task", "pusht", "--layers", "8").diffusion.n_layers == 8
    assert (found.observe, found.n_demonstrations, found.n_stored) == ("state", 7, 3)
    assert found.diffusion.loop.steps == 9


@pytest.mark.parametrize("task", sorted(USUAL_BY_TASK))
def test_a_quick_build_is_quick_for_every_task(task: str):
    found = recipe("--task", task, "--quick")
    assert (found.n_demonstrations, found.diffusion.loop.steps) == (2, 3)


def test_only_tasks_that_exist_have_numbers():
    assert set(USUAL_BY_TASK) <= set(TASKS)
