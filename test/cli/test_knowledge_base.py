# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""`dp-accel knowledge-base` puts trajectories into a bundle, and goes on where it was cut off."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from dp_accel_ros.bundle import Bundle, load_bundle
from dp_accel_ros.bundle.parts import replace_parts
from dp_accel_ros.cli.main import main
from dp_accel_ros.predict.assemble import load_policy, make_method
from dp_accel_ros.predict.methods import RediConfig

pytest.importorskip("onnxruntime")
pytest.importorskip("rich")
tiny = pytest.importorskip("tiny_bundle")

SMALL = ["--seeds", "3", "--size", "20", "--held-out", "5", "--threads", "1"]
STEPS = ["--num-inference-steps", "20", "--key-step", "4", "2", "--value-step", "16"]


@pytest.fixture
def folder(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    """A bundle of this test alone."""
    return shutil.copytree(tiny_bundle.path, tmp_path / "bundle")


def test_the_knowledge_base_goes_into_the_bundle_and_redi_uses_it(folder: Path, capsys):
    assert main(["knowledge-base", str(folder), *SMALL, *STEPS]) == 0
    assert "held-out conditions, ddim-20" in capsys.readouterr().out
    bundle = load_bundle(folder)
    assert bundle.knowledge.states.shape == (3, 20, 3, 16, 8)
    policy = load_policy(bundle)
    method = make_method("redi", policy, RediConfig(neighbours=1, reject_above=1000.0))
    seen = tiny.observation_at(bundle, 33)
    prediction = policy.predict(seen, method, np.random.default_rng(0))
    assert prediction.cost.nfe == 4 + 20 - 16
    # The tiny bundle's denoiser leads to one chunk from everywhere.
    chunk = tiny.target_chunk(tiny.frame_joints(33, 8), 16)
    np.testing.assert_allclose(prediction.normalised, chunk, atol=1e-4)


def test_a_knowledge_base_from_a_partial_condition_says_what_it_saw(folder: Path):
    assert main(["knowledge-base", str(folder), *SMALL, *STEPS, "--see", "joints"]) == 0
    bundle = load_bundle(folder)
    assert bundle.manifest.knowledge.seen == ["joints"]
    assert load_policy(bundle).knowledge.seen.tolist() == [False] * 4 + [True] * 8
    assert "--see joints" in bundle.manifest.provenance["knowledge"]["command"]


def test_conditions_must_come_from_a_store(folder: Path, capsys):
    replace_parts(folder, {"retrieval": None, "knowledge": None}, {})
    assert main(["knowledge-base", str(folder), *SMALL, *STEPS]) == 2
    assert "`dp-accel self-index` makes one" in capsys.readouterr().err


def test_features_that_the_bundle_has_not_cannot_be_seen(folder: Path, capsys):
    assert main(["knowledge-base", str(folder), *SMALL, *STEPS, "--see", "cube"]) == 2
    expected = "no group of features named 'cube'; there are joints, state"
    assert expected in capsys.readouterr().err


def test_steps_past_the_solvers_end_are_refused_before_anything_is_written(folder: Path, capsys):
    before = sorted(folder.iterdir())
    assert main(["knowledge-base", str(folder), *SMALL, "--num-inference-steps", "50"]) == 2
    assert "`steps` must rise within 1 to 49" in capsys.readouterr().err
    assert sorted(folder.iterdir()) == before


def test_a_knowledge_base_that_was_cut_off_is_ended_by_the_same_command(
    folder: Path, monkeypatch, capsys
):
    from dp_accel_ros.predict.redi.partial_states import PartialStates

    kept, real = [], PartialStates.keep

    def cut_short(self, seed, rows, states):
        if len(kept) == 2:
            raise KeyboardInterrupt
        kept.append(seed)
        real(self, seed, rows, states)

    monkeypatch.setattr(PartialStates, "keep", cut_short)
    assert main(["knowledge-base", str(folder), *SMALL, *STEPS]) == 130
    assert len(list((folder / "knowledge.partial").glob("*.npy"))) == 2
    monkeypatch.setattr(PartialStates, "keep", real)
    assert main(["knowledge-base", str(folder), *SMALL, *STEPS, "--seed", "1"]) == 2
    assert "another build that was cut off" in capsys.readouterr().err
    assert main(["knowledge-base", str(folder), *SMALL, *STEPS]) == 0
    assert not (folder / "knowledge.partial").exists()
