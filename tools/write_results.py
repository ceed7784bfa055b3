# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Write what `dp-accel bench` measured into `docs/results.md`, beside what the papers say.

    PYTHONPATH=. python tools/write_results.py                   # of every runs/TASK/bench there is
    PYTHONPATH=. python tools/write_results.py runs/lift/bench   # of this one

Each folder fills the part of its task, between two comments; a task that has none yet gets one at
the end. All other text of the document stays as it is.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "results.md"
TASKS = ("lift", "pick_place", "block_push", "pusht")
PLOTS = {
    "success_latency": "success against latency",
    "acceptance": "acceptance by diffusion step",
    "draft_length": "drafts by the speed of the end effector",
}
Found = Mapping[str, Any]


@dataclass(frozen=True)
class Published:
    """What a paper says of one of its settings, and which numbers of which row stand beside it."""

    what: str
    figure: str
    row: str
    """Name of the row, with wildcards the first that fits."""

    shown: tuple[str, ...]


SPEED = ("vs_eager", "vs_base")
LEAPT = ("of_base", *SPEED)
DRAFTING = ("success", "of_base", "rounds", "accepted", *SPEED)
PUBLISHED = (
    Published("DPM-Solver++ (here 10 steps)", "16 % of base at 20x", "dpmpp-10", LEAPT),
    Published("Consistency, 1 step", "7 % less than RAGDP at 20x", "consistency-1", LEAPT),
    Published("RAGDP, r = .75", "about 4x, about 103 % of base", "ragdp-r0.75", LEAPT),
    Published("RAGDP, r = .9", "10x (success not found)", "ragdp-r0.9", LEAPT),
    Published("RAGDP, r = .95", "about 20x, about 82 % of base", "ragdp-r0.95", LEAPT),
    Published("RAGDP-VE, r = .95", "20x (success not found)", "ragdp-ve-r0.95", LEAPT),
    Published(
        "ALT, gamma = .75",
        "100 % on a real robot, 294x (9 ms against 2.65 s)",
        "alt-0.75",
        ("success", "p50", *SPEED),
    ),
    Published(
        "ReDi",
        "half the network calls (20 of 40) for images of equal quality",
        "redi*",
        ("success", "nfe", *SPEED),
    ),
    Published("TS-DP, K = 10", "84 %, 2.45x", "tsdp-k10", DRAFTING),
    Published("TS-DP, K = 25", "not found", "tsdp-k25", DRAFTING),
    Published("TS-DP, K = 40", "72 %, 3.92x", "tsdp-k40", DRAFTING),
    Published(
        "TS-DP, K by PPO",
        "87 %, 3.80x; at best 4.17x with 24 of 100 calls, over 94 % accepted",
        "tsdp-ppo",
        DRAFTING,
    ),
    Published("TS-DP, K in closed form", "none: not in the paper", "tsdp-closed-form", DRAFTING),
)

BASES = {
    "lift": "1.00 / 1.00 (Diffusion Policy, transformer, state, robomimic's Lift)",
    "pick_place": "1.00 / 1.00 (Diffusion Policy, transformer, state, robomimic's Can)",
    "block_push": ".99 of one block, .94 of two (Diffusion Policy, transformer, state)",
    "pusht": "coverage .95 / .79 (Diffusion Policy, transformer, state)",
    "pusht_pixels": "coverage .78 / .66 (Diffusion Policy, transformer, pixels)",
}
"""Task to what was published of the base sampler: best checkpoint / mean of the last ten."""


def main(argv: Sequence[str] | None = None) -> None:
    """Write the parts of all folders."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--document", type=Path, default=DOCUMENT)
    args = parser.parse_args(argv)
    # all are read before anything is written
    benches = [(folder, bench_in(folder)) for folder in args.folders or folders_in(Path("runs"))]
    there = args.document.exists()
    text = args.document.read_text(encoding="utf-8") if there else "# Results\n"
    for folder, found in benches:
        plots = copied_plots(folder, args.document.parent, found["task"])
        text = with_part(text, found["task"], part_of(found, plots))
    args.document.write_text(text, encoding="utf-8")


def folders_in(runs: Path) -> list[Path]:
    """Return the folders with results, in the order of the tasks; exit status 1 without any."""
    found = [runs / name / "bench" for task in TASKS for name in (task, f"{task}_pixels")]
    there = [folder for folder in found if (folder / "bench.json").exists()]
    if not there:
        looked = ", ".join(map(str, found))
        raise SystemExit(f"no results in {looked}; `make bench` makes some")
    return there


def bench_in(folder: Path) -> Found:
    """Return the results in a folder; a message and exit status 1 where there are none."""
    path = folder / "bench.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        _ = found["rows"], found["table"], found["command"], found["task"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"{path}: expected what `dp-accel bench` writes: {error!r}") from error
    return found


def with_part(text: str, task: str, part: str) -> str:
    """Return a document with the part of a task put in its place, or at the end."""
    begin, end = f"<!-- bench {task} -->", f"<!-- end of bench {task} -->"
    block = f"{begin}\n{part.strip()}\n{end}"
    found = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if found.search(text):
        return found.sub(lambda _: block, text, count=1)
    return f"{text.rstrip()}\n\n{block}\n"


def part_of(found: Found, plots: Mapping[str, str]) -> str:
    """Return the part of a task: its command, table, notes, plots, and the papers' figures."""
    lines = [
        f"## {found['task']}: every method under one protocol",
        "",
        f"`{found['command']}`",
        "",
        *found["table"],
        "",
        *(f"- {note}" for note in found["notes"]),
    ]
    lines += [f"- not run: {', '.join(who)}: {why}" for why, who in _reasons(found).items()]
    for name, path in plots.items():
        lines += ["", f"![{found['task']}: {PLOTS[name]}]({path})"]
    return "\n".join([*lines, *ways_of(found), "", *beside(found)])


def _reasons(found: Found) -> dict[str, list[str]]:
    """Return why rows could not be run, with all of which that is true."""
    reasons: dict[str, list[str]] = {}
    for absent in found["absent"]:
        reasons.setdefault(absent["reason"], []).append(absent["label"])
    return reasons


def ways_of(found: Found) -> list[str]:
    """Return the lines about the ways to the goal, none for a task that has one."""
    if not found.get("mode_table"):
        return []
    return [
        "",
        f"### {found['task']}: which way, from the same start",
        "",
        f"`{found['command']}`",
        "",
        *found["mode_table"],
        "",
        *(f"- {note}" for note in found["mode_notes"]),
    ]


def beside(found: Found) -> list[str]:
    """Return the lines of the table that has the papers' figures and ours."""
    lines = [
        f"### {found['task']} beside the papers",
        "",
        f"`{found['command']}`, then `python tools/write_results.py`",
        "",
        "Theirs are of other tasks, robots and processors: ratios and shares compare, times do not.",
        "Their TS-DP accepts drafts by a rule that changes what the policy does; ours is exact here.",
        "",
        "| what | published | here |",
        "| --- | --- | --- |",
    ]
    published = [Published("DDPM", BASES.get(found["task"], "none"), found["base"], ("success",))]
    for one in (*published, *PUBLISHED):
        row = next((row for row in found["rows"] if fnmatch(row["row"], one.row)), None)
        here = "not run" if row is None else shown(row, one.shown)
        lines.append(f"| {one.what} | {one.figure} | {here} |")
    return lines


def shown(row: Found, names: Sequence[str]) -> str:
    """Return some numbers of a row in words; what was not measured is left out."""
    words = (_word(row, name) for name in names)
    return ", ".join(word for word in words if word) or "not measured"


def _word(row: Found, name: str) -> str:
    told, timing = row["speculation"] or {}, row["latency"] or {}
    value: Any = {
        "success": row["success_rate"],
        "of_base": row["of_base"],
        "nfe": row["nfe_mean"],
        "rounds": told.get("rounds_mean"),
        "accepted": told.get("acceptance"),
        "p50": timing.get("p50_ms"),
        "vs_eager": row["vs_eager"],
        "vs_base": row["vs_base"],
    }[name]
    if value is None:
        return ""
    low, high = row["wilson_95"]
    return {
        "success": f"{100 * value:.0f} % ({100 * low:.0f} to {100 * high:.0f}, n = {row['n']})",
        "of_base": f"{100 * value:.0f} % of base",
        "nfe": f"nfe {value:g}",
        "rounds": f"{value:g} rounds",
        "accepted": f"{100 * value:.1f} % accepted",
        "p50": f"{value:.1f} ms",
        "vs_eager": f"{value:.1f}x over PyTorch",
        "vs_base": f"{value:.1f}x over ONNX Runtime",
    }[name]


def copied_plots(folder: Path, docs: Path, task: str) -> dict[str, str]:
    """Copy the plots of a folder to the document's, and return their paths from there."""
    copied = {}
    for name in PLOTS:
        if (folder / f"{name}.png").exists():
            target = Path("images") / f"{task}_{name}.png"
            (docs / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / f"{name}.png", docs / target)
            copied[name] = target.as_posix()
    return copied


if __name__ == "__main__":
    main()
