# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""From nothing, or from somebody's recordings, to a bundle without cameras."""

import argparse
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

for needed in ("torch", "onnx", "onnxruntime", "zarr", "tqdm", "mujoco"):
    pytest.importorskip(needed)

from pusht_toy_recordings import write_toy_recordings  # noqa: E402

from dp_accel_ros.bundle import Bundle, load_bundle  # noqa: E402
from dp_accel_ros.cli.main import main  # noqa: E402
from dp_accel_ros.cli.recipe_options import (  # noqa: E402
    add_recipe_options,
    walk,
    workshop_from,
)
from dp_accel_ros.data.episodes import Episodes  # noqa: E402
from dp_accel_ros.data.pusht_recordings import pusht_recordings  # noqa: E402
from dp_accel_ros.errors import DataError, MissingPartError  # noqa: E402
from dp_accel_ros.evaluate.rollout import RolloutConfig, run_episodes  # noqa: E402
from dp_accel_ros.evaluate.rollout.file import batch_prediction  # noqa: E402
from dp_accel_ros.observation import Observation  # noqa: E402
from dp_accel_ros.predict.assemble import load_policy, make_method  # noqa: E402
from dp_accel_ros.sim import TASKS, PushT  # noqa: E402
from dp_accel_ros.train.assembly import assemble  # noqa: E402
from dp_accel_ros.train.own_successes import OwnSuccesses  # noqa: E402
from dp_accel_ros.train.stages import stage_of  # noqa: E402
from dp_accel_ros.train.workshop import OPTIONAL, Workshop  # noqa: E402

QUICK = ["--quick", "--threads", "1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state_build")


@pytest.fixture(scope="module")
def block_push(folder: Path) -> Bundle:
    out, runs = folder / "block_push", folder / "runs" / "block_push"
    assert (
        main(["build", "--task", "block_push", *QUICK, "--runs", str(runs), "--out", str(out)])
        == 0
    )
    return load_bundle(out)


@pytest.fixture(scope="module")
def recordings(folder: Path) -> Path:
    return write_toy_recordings(folder / "toy.zarr")


@pytest.fixture(scope="module")
def pusht(folder: Path, recordings: Path) -> Bundle:
    pytest.importorskip("gym_pusht", reason="Push-T needs gym-pusht")
    places = ["--runs", str(folder / "runs" / "pusht"), "--out", str(folder / "pusht")]
    told = ["build", "--task", "pusht", "--recordings", str(recordings), *QUICK, *places]
    assert main(told) == 0
    return load_bundle(folder / "pusht")


def test_block_push_is_recorded_without_drawing(folder: Path, block_push: Bundle):
    episodes = Episodes.open(folder / "runs/block_push/demonstrations.zarr")
    assert set(episodes.arrays) == {"action", "joint_position", "joint_velocity", "state"}
    assert not (folder / "runs/block_push/perception").exists()


def test_its_bundle_takes_the_state_of_the_task(block_push: Bundle):
    manifest = block_push.manifest
    assert manifest.cameras == []
    assert tuple(manifest.state) == TASKS["block_push"]().state_names
    assert set(manifest.provenance["measured"]) == {"diffusion", *OPTIONAL}
    assert max(manifest.provenance["onnx_max_abs_error"].values()) <= 1e-4


def test_a_stored_frame_finds_itself_by_both_keys(folder: Path, block_push: Bundle):
    episodes = Episodes.open(folder / "runs/block_push/demonstrations.zarr")
    policy, row = load_policy(block_push), 40
    rows = [row - 1, row]
    seen = Observation(0, {}, *(episodes.rows(k)[rows] for k in ("joint_position", "state")))
    condition, embedding = (policy.condition([seen], name)[0] for name in ("policy", "alt"))
    np.testing.assert_allclose(condition.ravel(), block_push.store.keys[row], atol=2e-3)
    gaps = np.linalg.norm(block_push.store.keys - condition.ravel(), axis=1)
    assert int(gaps.argmin()) == row
    assert int((block_push.store.alt_keys @ embedding).argmax()) == row


def test_a_bundle_from_recordings_of_others_holds_none_of_them(pusht: Bundle):
    assert pusht.store is None
    assert pusht.manifest.retrieval is None
    assert not list(pusht.path.glob("*.npy"))
    whose = pusht.manifest.provenance["demonstrations"]
    assert (whose["recordings"], whose["licence"]) == ("toy.zarr", "MIT")
    with pytest.raises(MissingPartError, match="'alt' needs a retrieval store"):
        make_method("alt", load_policy(pusht))


class Generous:
    """Push-T that is content with twelve ticks where the seed is even."""

    def __init__(self) -> None:
        self.task, self.seed = PushT(), 0

    def __getattr__(self, name: str):
        return getattr(self.task, name)

    def reset(self, seed: int) -> None:
        self.seed = seed
        self.task.reset(seed)

    def success(self) -> bool:
        return self.seed % 2 == 0 and self.task.time_s > 1.15


def workshop(task: str, runs: Path, *options: str, **changes: Any) -> Workshop:
    parser = argparse.ArgumentParser()
    add_recipe_options(parser)
    told = ["--task", task, "--runs", str(runs), *QUICK, *options]
    shop = workshop_from(parser.parse_args(told))
    return replace(shop, recipe=replace(shop.recipe, **changes))


@pytest.fixture(scope="module")
def own(folder: Path, recordings: Path, pusht: Bundle) -> Workshop:
    """Return the workshop of the Push-T bundle, with the policy's own successes."""
    shop = workshop(
        *("pusht", folder / "runs" / "pusht", "--recordings", str(recordings)),
        own_successes=OwnSuccesses(n_episodes=3, n_together=2),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TASKS, "pusht", Generous)
        walk(stage_of(shop, folder / "unused", "successes"))
    return shop


def test_such_a_bundle_holds_what_the_policy_did_where_it_succeeded(
    own: Workshop, folder: Path, recordings: Path
):
    bundle = assemble(own, folder / "pusht_own")
    assert bundle.store.episode_ends.tolist() == [12, 24, 36]
    facts = bundle.manifest.provenance["retrieval"]
    assert (facts["episodes"], facts["tried"], facts["first_seed"]) == (3, 5, 200_000)
    recorded = pusht_recordings(recordings).rows("action")
    assert np.abs(bundle.store.actions[:, None] - recorded).max(-1).min() > 0
    make_method("alt", load_policy(bundle))


def test_a_second_build_does_not_succeed_anew(own: Workshop, folder: Path):
    assert stage_of(own, folder / "unused", "successes").complete()


def test_successes_of_a_policy_that_was_trained_anew_are_refused(own: Workshop, folder: Path):
    weights = own.successes.weights
    before = weights.read_bytes()
    weights.write_bytes(before + b"more")
    with pytest.raises(DataError, match=r"expected successes of the policy .* remove it"):
        stage_of(own, folder / "unused", "successes").complete()
    weights.write_bytes(before)


def test_the_simulation_is_seen_as_the_recordings_were(pusht: Bundle, recordings: Path):
    episodes, policy = pusht_recordings(recordings), load_policy(pusht)
    assert policy.manifest.dt == 0.1
    rows = episodes.rows("state")
    standard = (rows - rows.mean(0)) / rows.std(0)
    seen = Observation(0, {}, *(episodes.rows(k)[[4, 5]] for k in ("joint_position", "state")))
    np.testing.assert_allclose(policy.condition([seen])[0, :, :32], standard[[4, 5]], atol=1e-3)


@pytest.mark.parametrize("which", ["block_push", "pusht"])
def test_an_episode_runs_in_lockstep(which: str, request: pytest.FixtureRequest):
    policy = load_policy(request.getfixturevalue(which))
    task = TASKS[which]()
    task.images = lambda: pytest.fail("nobody may look")
    predict = batch_prediction(policy, make_method("ddim", policy), np.random.default_rng(0))
    (result,) = run_episodes([task], [7], predict, RolloutConfig.of(policy.manifest))
    assert result.ticks == task.max_ticks
    assert 0.0 <= result.score < 1.0


def test_the_scenes_that_a_bundle_learns_to_see_are_of_the_task(folder: Path, pusht: Bundle):
    seen = Episodes.open(folder / "runs/pusht/perception.zarr")
    assert seen.attributes["cameras"] == ["top"]
    task, rows = PushT(), seen.rows("state")
    assert len(np.unique(rows[:, 0])) == seen.n_frames
    # the corners from the pusher and the joints give the corners where they are
    joints = seen.rows("joint_position")
    np.testing.assert_allclose(rows[:, :2] - rows[:, 16:18], joints, atol=1e-6)
    scene = np.array([*joints[-1], 0.2, 0.3, 0.5])
    task.show(scene)
    assert np.abs(task.images()["top"].astype(int) - seen.rows("img_top")[-1]).max() > 50


def test_images_can_stand_in_for_the_state(pusht: Bundle):
    facts = pusht.manifest.estimator
    assert [camera.name for camera in facts.cameras] == ["top"]
    assert set(facts.measured) == {"worst_xy_mm_p50", "worst_xy_mm_p90"}
    assert facts.measured["worst_xy_mm_p90"] > facts.measured["worst_xy_mm_p50"] > 0
    policy, task = load_policy(pusht.observed_by("pixels")), PushT()
    predict = batch_prediction(policy, make_method("ddim", policy), np.random.default_rng(0))
    config = RolloutConfig.of(policy.manifest)
    (result,) = run_episodes([task], [7], predict, config)
    assert result.ticks == task.max_ticks


def test_one_network_can_be_put_into_a_bundle_that_is_there(
    folder: Path, recordings: Path, pusht: Bundle
):
    out, runs = folder / "patched", str(folder / "runs" / "pusht")
    shutil.copytree(pusht.path, out)
    document = yaml.safe_load((out / "manifest.yaml").read_text("utf-8"))
    del document["files"][document.pop("estimator")["file"]]
    del document["provenance"]["recipes"]["perception"]
    (out / "manifest.yaml").write_text(yaml.safe_dump(document), "utf-8")
    assert load_bundle(out).manifest.estimator is None
    told = ["export", "--task", "pusht", "--recordings", str(recordings), "--runs", runs, *QUICK]
    assert main([*told, "--out", str(out), "--only", "estimator"]) == 0
    assert load_bundle(out).manifest.estimator == pusht.manifest.estimator
    assert load_bundle(out).manifest.provenance["recipes"]["perception"]["loop"]["steps"] == 3


def test_a_network_that_is_not_trained_cannot_be_exported(folder: Path, block_push, capsys):
    runs = str(folder / "runs" / "block_push")
    told = ["export", "--task", "block_push", "--runs", runs, *QUICK, "--only", "estimator"]
    assert main([*told, "--out", str(block_push.path)]) == 2
    assert "expected a trained network, `dp-accel train perception`" in capsys.readouterr().err


def test_a_store_can_hold_the_first_demonstrations_only(folder: Path, block_push: Bundle):
    runs = folder / "runs" / "block_push_3"
    shutil.copytree(folder / "runs" / "block_push", runs)
    shop = workshop("block_push", runs, n_demonstrations=3, n_stored=2)
    walk(stage_of(shop, folder / "unused", "demonstrations"))
    bundle = assemble(shop, folder / "two")
    assert bundle.manifest.provenance["demonstrations"]["episodes"] == 3
    assert bundle.store.episode_ends.tolist() == block_push.store.episode_ends.tolist()
    assert len(bundle.store.keys) == bundle.store.episode_ends[-1]


def test_a_store_of_one_demonstration_is_refused(capsys):
    assert main(["build", "--task", "block_push", *QUICK, "--stored", "1"]) == 2
    assert "`n_stored` must be at least 2, got 1" in capsys.readouterr().err


def test_a_task_without_an_expert_asks_for_recordings(capsys):
    assert main(["build", "--task", "pusht", *QUICK]) == 2
    assert "has no scripted expert: give `recordings`" in capsys.readouterr().err


def test_recordings_of_a_task_that_nobody_published_are_refused(capsys):
    assert main(["build", "--task", "lift", "--recordings", "x.zarr", *QUICK]) == 2
    assert "no task with a reader of recordings named 'lift'" in capsys.readouterr().err


def test_demonstrations_without_images_are_refused_where_pixels_are_observed(block_push, capsys):
    runs = str(block_push.path.parent / "runs" / "block_push")
    told = ["train", "contrastive", "--task", "block_push", "--observe", "pixels", "--runs", runs]
    assert main([*told, *QUICK]) == 2
    assert "expected images of a camera, found the state only" in capsys.readouterr().err


def test_there_is_no_encoder_to_train_from_the_state(tmp_path: Path, capsys):
    told = ["train", "perception", "--task", "block_push", "--runs", str(tmp_path), *QUICK]
    assert main(told) == 2
    assert "no stage of 'block_push' named 'perception'" in capsys.readouterr().err
