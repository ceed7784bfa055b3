# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import json

import pytest
from scheduler_toys import scheduled_bundle

from dp_accel_ros.cli.main import main

pytest.importorskip("onnxruntime")
pytest.importorskip("rich")


def test_check_bundle_says_what_is_in_a_bundle(tiny_bundle, capsys):
    assert main(["check-bundle", str(tiny_bundle.path)]) == 0
    printed = capsys.readouterr().out
    assert "3 demonstrations, 90 frames" in printed
    assert "front 96x96, wrist 96x96" in printed


def test_a_folder_that_is_no_bundle_is_one_line_and_exit_status_2(tmp_path, capsys):
    assert main(["check-bundle", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("dp-accel check-bundle: ")


def test_latency_prints_a_row_for_each_method_and_writes_both_files(tiny_bundle, tmp_path, capsys):
    options = ["--bundle", str(tiny_bundle.path), "--rounds", "1", "--out", str(tmp_path)]
    assert main(["latency", "--threads", "1", *options]) == 0
    assert "RAGDP r=.75" in capsys.readouterr().out
    document = json.loads((tmp_path / "latency.json").read_text())
    assert [t["nfe"] for t in document["timings"]] == [100, 16, 10, 25, 10, 5, 2, 0]
    assert "| ALT | ORT | 0 |" in (tmp_path / "latency.md").read_text()


def test_rollout_prints_its_row_and_keeps_every_episode(tiny_bundle, tmp_path, capsys):
    pytest.importorskip("mujoco")
    out = tmp_path / "rollout.json"
    options = ["--bundle", str(tiny_bundle.path), "--method", "alt", "--out", str(out)]
    assert main(["rollout", "--episodes", "1", "--seed", "7", *options]) == 0
    assert "0.0 to 79.3 %" in capsys.readouterr().out
    assert json.loads(out.read_text())["episodes"][0]["seed"] == 7


def test_a_rollout_that_drafts_says_what_came_of_it(tiny_bundle, capsys):
    pytest.importorskip("mujoco")
    options = ["--bundle", str(tiny_bundle.path), "--method", "tsdp", "--set", "lengths=fixed"]
    options += ["--set", "draft_length=0", "--set", "num_inference_steps=9"]
    assert main(["rollout", "--episodes", "1", *options]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "a chunk has 9 rounds, drafts accepted: none tested, bias budget 0" in said


def test_bench_runs_one_row_prints_it_and_keeps_table_and_plots(tiny_bundle, tmp_path, capsys):
    pytest.importorskip("mujoco")
    options = ["--bundle", str(tiny_bundle.path), "--out", str(tmp_path), "--only", "tsdp-k40"]
    assert main(["bench", "--episodes", "1", "--threads", "1", "--no-latency", *options]) == 0
    assert "TS-DP K=40" in capsys.readouterr().out
    assert json.loads((tmp_path / "bench.json").read_text())["rows"][0]["n"] == 1
    assert (tmp_path / "acceptance.png").exists()
    assert main(["bench", "--episodes", "1", "--list", *options]) == 0
    listed = capsys.readouterr().out
    assert "1 of 1" in listed
    assert "ddim" not in listed


def test_bench_runs_cheap_rows_first_and_says_how_long_each_took(tiny_bundle, tmp_path, capsys):
    pytest.importorskip("mujoco")
    options = ["--bundle", str(tiny_bundle.path), "--out", str(tmp_path), "--rows", "ragdp-r0.5"]
    options += ["--rows", "alt-0.9", "--episodes", "1", "--threads", "1", "--no-latency"]
    assert main(["bench", *options]) == 0
    told = [
        line for line in capsys.readouterr().out.splitlines() if line.endswith("of the processor")
    ]
    assert [line.split(":")[0] for line in told] == ["ALT, gamma = 0.9", "RAGDP r=0.5"]


def test_bench_says_which_rows_there_are(tiny_bundle, capsys):
    assert main(["bench", "--bundle", str(tiny_bundle.path), "--only", "magic"]) == 2
    assert "no row and no method is named 'magic'; there are ddpm" in capsys.readouterr().err


def test_a_wrong_setting_is_said_before_anything_runs(tiny_bundle, capsys):
    options = ["--bundle", str(tiny_bundle.path), "--set", "leap=1"]
    assert main(["rollout", "--method", "ragdp", *options]) == 2
    assert "no setting of 'ragdp' named 'leap'" in capsys.readouterr().err


def test_check_bundle_says_what_a_scheduler_was_trained_under(tiny_bundle, tmp_path, capsys):
    bundle = scheduled_bundle(tiny_bundle, tmp_path)
    assert main(["check-bundle", str(bundle.path)]) == 0
    assert "trained under accept=exact" in capsys.readouterr().out


def test_check_bundle_refuses_a_scheduler_of_another_layout(tiny_bundle, tmp_path, capsys):
    path = scheduled_bundle(tiny_bundle, tmp_path).path
    manifest = path / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("draft_length_2", "draft_length_3"))
    assert main(["check-bundle", str(path)]) == 2
    assert "`scheduler.outputs` must be" in capsys.readouterr().err
