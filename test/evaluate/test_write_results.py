# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The document of results is written from what the benchmark keeps, and nothing else changes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime")

from scheduler_toys import Drifter

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.evaluate.bench.bench import Bench
from dp_accel_ros.evaluate.bench.folder import BenchFolder
from dp_accel_ros.evaluate.bench.protocol import Protocol
from tools.write_results import beside, main, part_of, shown, ways_of, with_part

ROW = {
    "row": "ragdp-r0.75",
    "n": 50,
    "success_rate": 0.98,
    "wilson_95": [0.895, 0.9965],
    "of_base": 1.0205,
    "nfe_mean": 25.0,
    "speculation": None,
    "latency": {"p50_ms": 80.0},
    "vs_eager": 12.34,
    "vs_base": None,
}


@pytest.fixture(scope="module")
def folder(tiny_bundle, tmp_path_factory):
    """A benchmark of two rows."""
    path = tmp_path_factory.mktemp("bench")
    protocol = Protocol(n_episodes=2, batch=2, first_seed=0)
    only = ("ragdp-r0.75", "tsdp-k10")
    bench = Bench.of(
        tiny_bundle, BackendConfig(), protocol, BenchFolder(path), time.perf_counter, only
    )
    for entrant in bench.wanted:
        bench.run_row(entrant, [Drifter(), Drifter()])
    return path


def test_a_part_has_its_command_its_table_and_the_papers_figures(folder, tmp_path):
    document = tmp_path / "results.md"
    document.write_text("# Results\n\nBefore.\n")
    main([str(folder), "--document", str(document)])
    text = document.read_text()
    assert text.startswith("# Results\n\nBefore.\n\n<!-- bench lift -->\n## lift")
    assert "--episodes 2 --seed 0 --batch 2`\n\n| method | success |" in text
    assert "| RAGDP r=0.75 | 100 % |" in text
    assert "| RAGDP, r = .75 | about 4x, about 103 % of base | not measured |" in text
    assert (
        "| ALT, gamma = .75 | 100 % on a real robot, 294x (9 ms against 2.65 s) | not run |"
        in text
    )


def test_a_part_that_is_there_is_replaced_and_all_else_stays(folder, tmp_path):
    document = tmp_path / "results.md"
    document.write_text("Before.\n")
    main([str(folder), "--document", str(document)])
    document.write_text(document.read_text() + "After.\n")
    once = document.read_text()
    main([str(folder), "--document", str(document)])
    assert document.read_text() == once


def test_parts_of_other_tasks_stay():
    both = with_part(with_part("Top.", "lift", "old"), "pusht", "its own")
    assert with_part(both, "lift", "new") == both.replace("old", "new")


def test_plots_go_where_the_document_finds_them(folder, tmp_path):
    (folder / "acceptance.png").write_bytes(b"a picture")
    document = tmp_path / "results.md"
    document.write_text("")
    main([str(folder), "--document", str(document)])
    assert (tmp_path / "images" / "lift_acceptance.png").read_bytes() == b"a picture"
    assert "](images/lift_acceptance.png)" in document.read_text()


def test_a_folder_without_results_says_so(tmp_path):
    with pytest.raises(SystemExit, match="expected what `dp-accel bench` writes"):
        main([str(tmp_path), "--document", str(tmp_path / "results.md")])


def test_without_folders_it_writes_what_the_runs_have_in_the_order_of_tasks(
    folder, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for task in ("pusht", "lift"):
        (tmp_path / "runs" / task / "bench").mkdir(parents=True)
        found = json.loads((folder / "bench.json").read_text()) | {"task": task}
        (tmp_path / "runs" / task / "bench" / "bench.json").write_text(json.dumps(found))
    main(["--document", "results.md"])
    parts = [line for line in Path("results.md").read_text().splitlines() if line[:4] == "<!--"]
    assert parts[::2] == ["<!-- bench lift -->", "<!-- bench pusht -->"]


def test_without_any_results_it_says_where_it_looked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="no results in runs/lift/bench, "):
        main([])


def test_ways_have_a_table_of_their_own_with_its_command():
    told = {"mode_table": ["| method | n |"], "mode_notes": ["what it means"]}
    found = {"task": "block_push", "command": "dp-accel bench"} | told
    lines = ways_of(found)
    assert lines.index("| method | n |") > [line[:16] for line in lines].index("`dp-accel bench`")
    assert lines[-1] == "- what it means"
    assert ways_of(found | {"mode_table": []}) == []


def test_rows_that_cannot_run_for_one_reason_share_a_line(folder):
    why = {"a": "no teacher", "b": "no student", "c": "no teacher"}
    absent = [{"row": name, "label": name, "reason": reason} for name, reason in why.items()]
    found = json.loads((folder / "bench.json").read_text()) | {"absent": absent}
    lines = part_of(found, {}).splitlines()
    told = [line for line in lines if line.startswith("- not run")]
    assert told == ["- not run: a, c: no teacher", "- not run: b: no student"]


def test_only_what_was_measured_is_shown():
    assert shown(ROW, ("success", "vs_eager", "vs_base")) == (
        "98 % (90 to 100, n = 50), 12.3x over PyTorch"
    )
    assert shown(ROW, ("vs_base",)) == "not measured"


def test_a_row_stands_beside_the_figure_of_its_own_setting():
    found = {"task": "lift", "base": "ddpm", "rows": [ROW], "command": "dp-accel bench"}
    lines = beside(found)
    (line,) = [line for line in lines if line.startswith("| RAGDP, r = .75")]
    assert line.endswith("| 102 % of base, 12.3x over PyTorch |")


def test_the_table_in_the_json_is_that_of_the_markdown(folder):
    table = json.loads((folder / "bench.json").read_text())["table"]
    assert "\n".join(table) in (folder / "bench.md").read_text()
