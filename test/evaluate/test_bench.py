# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A benchmark of a tiny bundle: what it measures, keeps, continues and writes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime")

from scheduler_toys import Drifter, scheduled_bundle
from tiny_estimator import make_tiny_estimator_bundle

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.bundle import load_bundle
from dp_accel_ros.errors import ConfigError, DataError
from dp_accel_ros.evaluate.bench.bench import Bench
from dp_accel_ros.evaluate.bench.folder import BenchFolder
from dp_accel_ros.evaluate.bench.protocol import Protocol
from dp_accel_ros.evaluate.bench.table import columns

MODELS = Path(__file__).parents[2] / "models"
FEW = ("ddim-16", "ragdp-r0.95", "alt-0.9", "tsdp-k40")


def bench_of(bundle, path, only=FEW, runtime="onnx", **changes):
    numbers = {"n_episodes": 5, "first_seed": 0, "batch": 3, "rounds": 1} | changes
    backend = BackendConfig(threads=1, runtime=runtime)
    folder, protocol = BenchFolder(path), Protocol(**numbers)
    return Bench.of(bundle, backend, protocol, folder, time.perf_counter, only)


def run(bench, *, timed=False):
    tasks = [Drifter() for _ in range(bench.protocol.n_tasks)]
    for entrant in bench.wanted:
        bench.run_row(entrant, tasks)
    if timed:
        bench.time_rows(tasks[0], time.perf_counter)
    return bench


def written(path):
    return json.loads((path / "bench.json").read_text())


def test_every_wanted_row_gets_its_episodes_and_its_line(tiny_bundle, tmp_path):
    run(bench_of(tiny_bundle, tmp_path))
    found = {row["row"]: row for row in written(tmp_path)["rows"]}
    assert set(found) == set(FEW)
    assert {row["n"] for row in found.values()} == {5}
    assert found["ragdp-r0.95"]["nfe_mean"] == 5
    assert found["ddim-16"]["speculation"] is None
    told = found["tsdp-k40"]["speculation"]
    assert (told["acceptance"] > 0.5, told["bias_budget_mean"]) == (True, 0.0)
    assert told["rounds_mean"] < 100
    table = (tmp_path / "bench.md").read_text()
    assert "| RAGDP r=0.95 | " in table
    assert "- EDM, Heun: " not in table


def test_a_column_in_which_nothing_was_measured_is_left_out(tiny_bundle, tmp_path):
    head = run(bench_of(tiny_bundle, tmp_path, only=["ddim-16"], n_episodes=1)).results
    assert columns(head) == ("method", "success", "95 %", "n", "nfe", "MB")
    run(bench_of(tiny_bundle, tmp_path, only=["alt-0.9"], n_episodes=1), timed=True)
    both = bench_of(tiny_bundle, tmp_path, n_episodes=1).results
    assert {"ood", "p50 ms", "vs ORT f32"} <= set(columns(both))
    assert "rounds" not in columns(both)


def test_a_benchmark_that_was_cut_off_goes_on_and_equals_a_whole_one(tiny_bundle, tmp_path):
    run(bench_of(tiny_bundle, tmp_path / "whole"))
    run(bench_of(tiny_bundle, tmp_path / "parts", only=["alt-0.9"]))
    run(bench_of(tiny_bundle, tmp_path / "parts", n_episodes=4))
    run(bench_of(tiny_bundle, tmp_path / "parts"))
    whole, parts = (written(tmp_path / name)["rows"] for name in ("whole", "parts"))
    assert parts == whole


def test_what_is_there_is_not_run_again(tiny_bundle, tmp_path):
    run(bench_of(tiny_bundle, tmp_path, only=["alt-0.9"]))
    bench = bench_of(tiny_bundle, tmp_path, only=["alt-0.9"])
    assert [bench.missing(entrant) for entrant in bench.wanted] == [0]
    for entrant in bench.wanted:
        bench.run_row(entrant, [])
    fewer = bench_of(tiny_bundle, tmp_path, only=["alt-0.9"], n_episodes=2)
    assert fewer.results.measured[0].success.episodes == 2


def test_episodes_under_another_protocol_are_not_continued(tiny_bundle, tmp_path):
    run(bench_of(tiny_bundle, tmp_path, only=["alt-0.9"]))
    with pytest.raises(ConfigError, match="first_seed 0, not 7"):
        bench_of(tiny_bundle, tmp_path, only=["alt-0.9"], first_seed=7)


def test_episodes_of_rows_that_nobody_asked_for_stand_in_nobodys_way(tiny_bundle, tmp_path):
    run(bench_of(tiny_bundle, tmp_path, only=["alt-0.9"]))
    bench = run(bench_of(tiny_bundle, tmp_path, only=["alt-0.8"], first_seed=7))
    assert [result.row.name for result in bench.results.measured] == ["alt-0.8"]


def test_ratios_are_to_the_base_sampler_of_the_same_pass(tiny_bundle, tmp_path):
    bench = run(bench_of(tiny_bundle, tmp_path, only=["ragdp-r0.95"]), timed=True)
    found = {row["row"]: row for row in written(tmp_path)["rows"]}
    assert set(found) == {"ddpm", "ragdp-r0.95"}
    base, fast = (found[name]["latency"]["p50_ms"] for name in ("ddpm", "ragdp-r0.95"))
    assert found["ragdp-r0.95"]["vs_base"] == pytest.approx(base / fast, rel=1e-3)
    assert found["ragdp-r0.95"]["vs_eager"] is None
    assert "torch is left out" in (tmp_path / "bench.md").read_text()
    assert not bench.needs_timing


def test_loops_in_pytorch_are_timed_beside_eager_and_onnxruntime(tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    bundle = load_bundle(MODELS / "pusht")
    bench = bench_of(bundle, tmp_path, only=["ddim-16"], runtime="torch")
    bench.time_rows(None, time.perf_counter)
    row = next(row for row in written(tmp_path)["rows"] if row["row"] == "ddim-16")
    ratios = {name: row[name] for name in ("vs_eager", "vs_ort", "vs_base")}
    assert all(ratio > 0 for ratio in ratios.values())
    # 100 steps against 16 of the same network on the same runtime
    assert 3 < ratios["vs_base"] < 12
    assert {"vs eager", "vs ORT f32", "vs loops f32"} <= set(columns(bench.results))
    assert "--runtime torch" in bench.command


def test_a_row_that_is_timed_later_brings_the_others_with_it(tiny_bundle, tmp_path):
    run(bench_of(tiny_bundle, tmp_path, only=["ragdp-r0.95"]), timed=True)
    later = bench_of(tiny_bundle, tmp_path, only=["alt"])
    assert later.needs_timing
    later.time_rows(None, time.perf_counter)
    assert list(BenchFolder(tmp_path).latency["timings"])[:2] == ["ddpm", "ragdp-r0.95"]
    assert "observations of noise" in (tmp_path / "bench.md").read_text()


def test_a_latency_pass_that_is_something_else_is_refused(tiny_bundle, tmp_path):
    (tmp_path / "latency.json").write_text("[]")
    with pytest.raises(DataError, match="expected a latency pass"):
        _ = bench_of(tiny_bundle, tmp_path).needs_timing


def test_a_learned_scheduler_is_measured_like_any_other_row(tiny_bundle, tmp_path):
    bundle = scheduled_bundle(tiny_bundle, tmp_path)
    run(bench_of(bundle, tmp_path / "out", only=["tsdp-ppo"], n_episodes=2), timed=True)
    row = written(tmp_path / "out")["rows"][-1]
    assert row["row"] == "tsdp-ppo"
    assert row["latency"]["n"] >= 1
    assert row["speculation"]["rounds_mean"] < 100


def test_a_bundle_with_other_senses_has_results_of_its_own(tmp_path):
    bundle = make_tiny_estimator_bundle(tmp_path / "tiny")
    bench_of(bundle, tmp_path / "state", ["ddim-16"]).write()
    bench_of(bundle.observed_by("pixels"), tmp_path / "pixels", ["ddim-16"]).write()
    assert written(tmp_path / "state")["task"] == "lift"
    assert written(tmp_path / "pixels")["task"] == "lift_pixels"
    assert "--observe" not in written(tmp_path / "state")["command"]
    assert "--observe pixels" in written(tmp_path / "pixels")["command"]


@pytest.mark.parametrize("name", ["n_episodes", "batch", "rounds"])
def test_a_protocol_of_nothing_is_refused(name):
    with pytest.raises(ConfigError, match=f"`{name}` must be at least 1, got 0"):
        Protocol(**{name: 0})
