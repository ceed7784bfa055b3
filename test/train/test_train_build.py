# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""From nothing to a bundle with a few steps of tiny networks."""

from pathlib import Path

import numpy as np
import pytest

for needed in ("torch", "onnx", "onnxruntime", "zarr", "tqdm", "mujoco"):
    pytest.importorskip(needed)

from dp_accel_ros.bundle import Bundle, load_bundle  # noqa: E402
from dp_accel_ros.cli.main import main  # noqa: E402
from dp_accel_ros.data.episodes import Episodes  # noqa: E402
from dp_accel_ros.predict.assemble import load_policy, make_method  # noqa: E402
from dp_accel_ros.predict.methods import RagdpConfig  # noqa: E402
from dp_accel_ros.train.workshop import OPTIONAL  # noqa: E402


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("build")
    places = ["--runs", str(folder / "runs"), "--out", str(folder / "bundle")]
    command = ["build", "--task", "lift", "--quick", "--threads", "1", *places]
    assert main(command) == 0
    return command


@pytest.fixture(scope="module")
def bundle(build: list[str]) -> Bundle:
    return load_bundle(build[-1])


def test_the_bundle_loads_as_a_policy(bundle: Bundle):
    policy = load_policy(bundle)
    assert policy.manifest.task == "lift"


def test_every_solver_has_its_network(bundle: Bundle):
    policy = load_policy(bundle)
    assert policy.precision == "int8"
    for solver in ("ddpm", "heun", "consistency"):
        make_method("ragdp", policy, RagdpConfig(solver=solver))
    facts = bundle.manifest
    for section in (facts.edm, facts.consistency):
        assert section.schedule.sigma_max == 80.0
        assert len(section.files) == 3
    assert facts.edm.files.isdisjoint(facts.consistency.files)


def test_the_store_holds_the_recorded_actions(build: list[str], bundle: Bundle):
    episodes = Episodes.open(Path(build[-3]) / "demonstrations.zarr")
    assert np.array_equal(bundle.store.actions, episodes.rows("action"))
    assert np.array_equal(bundle.store.episode_ends, episodes.ends)


def test_the_provenance_says_how_and_how_well(bundle: Bundle):
    provenance = bundle.manifest.provenance
    assert provenance["demonstrations"]["episodes"] == 2
    assert provenance["recipes"]["diffusion"]["loop"]["seed"] == 0
    assert set(provenance["measured"]) == {"perception", "contrastive", "diffusion", *OPTIONAL}
    assert max(provenance["onnx_max_abs_error"].values()) <= 1e-4


def test_a_second_build_finds_every_stage_complete(build: list[str], capsys):
    assert main(build) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.endswith(": complete") for line in lines) == 5 + len(OPTIONAL)


def test_other_settings_in_the_same_folder_are_refused(build: list[str], capsys):
    train = ["train", "diffusion", *build[1:-2]]
    (Path(build[-3]) / "diffusion" / "metrics.yaml").unlink()
    assert main([*train[:-1], train[-1], "--condition", "features"]) == 2
    assert "belongs to a run with other settings" in capsys.readouterr().err
