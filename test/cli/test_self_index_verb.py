# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""`dp-accel self-index` makes a store of the policy's own successes, and methods run on it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from dp_accel_ros.bundle import Bundle, load_bundle
from dp_accel_ros.cli.main import main
from dp_accel_ros.predict.assemble import load_policy, make_method
from dp_accel_ros.predict.methods import RagdpConfig

pytest.importorskip("onnxruntime")
pytest.importorskip("rich")
tiny = pytest.importorskip("tiny_bundle")


@pytest.fixture
def folder(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    """A bundle of this test alone."""
    return shutil.copytree(tiny_bundle.path, tmp_path / "bundle")


def test_a_self_index_refuses_to_overwrite_a_folder(folder: Path, capsys):
    assert main(["self-index", str(folder), "--out", str(folder)]) == 2
    assert "exists; choose another folder for --out" in capsys.readouterr().err


def test_a_self_index_needs_a_task_to_roll_out(tmp_path: Path, tiny_bundle: Bundle, capsys):
    folder = shutil.copytree(tiny_bundle.path, tmp_path / "bundle")
    manifest = folder / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("task: lift", "task: juggling"))
    assert main(["self-index", str(folder), "--episodes", "2"]) == 2
    assert "no simulated task named 'juggling'" in capsys.readouterr().err


class EasyTask:
    """Succeeds after ten ticks; cameras and joints show what seed and tick it is."""

    name, dt, max_ticks, camera_names, state_names = "lift", 0.04, 30, ("front", "wrist"), ()

    def reset(self, seed):
        self.seed, self.tick = seed, 0

    def step(self, action):
        self.tick += 1

    def images(self):
        colour = np.random.default_rng([self.seed, self.tick]).integers(0, 256, 3)
        image = np.tile(colour.astype(np.uint8), (96, 96, 1))
        return {"front": image, "wrist": image}

    def joint_positions(self):
        return np.full(8, 0.01 * self.tick)

    def effector_position(self):
        return np.zeros(3)

    def success(self):
        return self.tick >= 10

    def score(self):
        return float(self.success())

    def close(self):
        pass


def test_a_self_index_takes_the_place_of_the_demonstrations(
    folder: Path, tmp_path: Path, monkeypatch, capsys
):
    pytest.importorskip("mujoco")
    from dp_accel_ros.sim import TASKS

    monkeypatch.setitem(TASKS, "lift", EasyTask)
    out = tmp_path / "shipped"
    options = ["--out", str(out), "--method", "ddim", "--episodes", "5", "--batch", "3"]
    assert main(["self-index", str(folder), *options]) == 0
    assert "the knowledge base went" in capsys.readouterr().out
    bundle, before = load_bundle(out), load_bundle(folder)
    assert bundle.store.episode_ends.tolist() == [10, 20, 30, 40, 50]
    assert bundle.knowledge is None
    assert bundle.manifest.calibration.belongs_to(bundle.manifest.files.values())
    assert not (out / "actions.npy").exists()
    assert "no demonstrations" in bundle.manifest.provenance["retrieval"]["from"]
    # A key is what the policy's own encoder says: the joints of the newest tick come last.
    joints = load_policy(bundle).joints.normalize(np.full((1, 8), 0.03, np.float32))
    np.testing.assert_allclose(bundle.store.keys[13, -8:], joints[0], atol=1e-3)
    assert before.store.episode_ends.tolist() == [30, 70, 90]


def test_ragdp_and_alt_run_on_a_self_index(folder: Path, monkeypatch):
    pytest.importorskip("mujoco")
    from dp_accel_ros.sim import TASKS

    monkeypatch.setitem(TASKS, "lift", EasyTask)
    options = ["--method", "ddim", "--episodes", "3", "--batch", "3"]
    assert main(["self-index", str(folder), *options]) == 0
    policy = load_policy(folder)
    seen = tiny.observation_at(load_bundle(folder), 3)
    leaping = make_method("ragdp", policy, RagdpConfig(leap_mode="auto", solver="ddim"))
    for method in (leaping, make_method("alt", policy)):
        chunk = policy.predict(seen, method, np.random.default_rng(0)).chunk
        assert np.isfinite(chunk.actions).all()
