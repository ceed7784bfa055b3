# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The pass of the benchmark that counts ways: what it runs, keeps, continues and writes."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("mujoco")

from scheduler_toys import Drifter

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.errors import ConfigError, DataError
from dp_accel_ros.evaluate.bench.bench import Bench
from dp_accel_ros.evaluate.bench.folder import BenchFolder
from dp_accel_ros.evaluate.bench.modes.counts import ModeCounts
from dp_accel_ros.evaluate.bench.modes.mode_pass import MODE_ROWS
from dp_accel_ros.evaluate.bench.modes.table import BASE, ModeResults, ModeRow
from dp_accel_ros.evaluate.bench.protocol import Protocol
from dp_accel_ros.evaluate.bench.sweep import sweep
from dp_accel_ros.sim.block_push import BlockPush

FEW = (BASE, "ragdp-r0.9")


class Pusher(Drifter):
    """Has a block where block push wants it after nine ticks."""

    name, state_names = "block_push", BlockPush().state_names

    def state(self):
        places = dict(zip(self.state_names, 9.0 * np.arange(len(self.state_names)), strict=True))
        if self.tick >= 9:
            places |= {f"blue_block_{axis}": places[f"left_zone_{axis}"] for axis in "xy"}
        return np.array(list(places.values()))


@pytest.fixture(scope="module")
def pushing_bundle(tiny_bundle):
    manifest = tiny_bundle.manifest.model_copy(update={"task": "block_push"})
    return replace(tiny_bundle, manifest=manifest)


def bench_of(bundle, path, only=FEW, **changes):
    numbers = {"first_seed": 1, "batch": 2, "n_starts": 2, "n_repeats": 3} | changes
    protocol, folder = Protocol(**numbers), BenchFolder(path)
    return Bench.of(bundle, BackendConfig(threads=1), protocol, folder, time.perf_counter, only)


def run(bench):
    batches = []
    for entrant in bench.compared:
        bench.modes.run_row(entrant, [Pusher(), Pusher()], batches.append)
    bench.write()
    return batches


def written(path):
    return json.loads((path / "bench.json").read_text())


def test_every_compared_row_is_counted_from_every_start(pushing_bundle, tmp_path):
    assert run(bench_of(pushing_bundle, tmp_path)) == [2, 1] * 4
    base, other = written(tmp_path)["modes"]
    assert base["counts_by_start"] == other["counts_by_start"] == [[3, 0, 0, 0]] * 2
    assert (base["p"], other["p"], other["effective_ways"]) == (None, 1.0, 1.0)
    assert "| RAGDP r=0.9 | 6 | 0 | 100 % | 0 % | 0 % | 0 % | 1.00 | 0.0 | 1 |" in (
        (tmp_path / "bench.md").read_text()
    )


def test_counting_that_was_cut_off_goes_on_where_it_was(pushing_bundle, tmp_path):
    run(bench_of(pushing_bundle, tmp_path / "whole", n_repeats=4))
    run(bench_of(pushing_bundle, tmp_path / "parts", n_repeats=2))
    assert run(bench_of(pushing_bundle, tmp_path / "parts", n_repeats=4)) == [2] * 4
    assert run(bench_of(pushing_bundle, tmp_path / "parts", n_repeats=4)) == []
    whole, parts = (written(tmp_path / name)["modes"] for name in ("whole", "parts"))
    assert parts == whole


def test_a_task_with_one_way_is_not_counted(tiny_bundle, tmp_path):
    bench = bench_of(tiny_bundle, tmp_path)
    assert (bench.modes, bench.compared) == (None, ())
    bench.write()
    assert written(tmp_path)["mode_table"] == []


def test_ways_of_another_protocol_are_not_continued_and_not_shown(pushing_bundle, tmp_path):
    run(bench_of(pushing_bundle, tmp_path))
    other = bench_of(pushing_bundle, tmp_path, batch=1)
    assert other.ways.rows == ()
    with pytest.raises(ConfigError, match="batch 2, not 1"):
        run(other)


def test_a_file_that_is_something_else_is_refused(pushing_bundle, tmp_path):
    (tmp_path / "modes").mkdir()
    (tmp_path / "modes" / f"{BASE}.json").write_text("[]")
    with pytest.raises(DataError, match="expected the ways of a row"):
        run(bench_of(pushing_bundle, tmp_path))


def test_all_compared_rows_are_rows_of_the_sweep(pushing_bundle):
    names = {row.name for row in sweep(pushing_bundle.manifest, "int8")}
    assert set(MODE_ROWS) <= names


def test_a_collapse_stands_out_in_the_table():
    base = ModeRow(BASE, "DDPM-100", 80, ModeCounts(np.array([[18, 22], [25, 15]])))
    one = ModeRow("one", "one neighbour", 80, ModeCounts(np.array([[0, 40], [40, 0]])))
    many = ModeRow("many", "one of 20", 80, ModeCounts(np.array([[20, 19], [22, 18]])))
    _, collapsed, kept = ModeResults.of(("a", "b"), (base, one, many)).numbers
    assert (collapsed["effective_ways"], collapsed["p"] <= 1e-4) == (1.0, True)
    assert kept["effective_ways"] > 1.9
    assert kept["p"] > 0.5
