# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The benchmark of one bundle: who takes part, its passes, and what is written of them.

rows ── what the bundle offers ── entrants ──┬── episodes in lockstep ── rows/*.json ──┐
               └─ absent, with the reason    ├── many from one start ── modes/*.json ──┤
                                             └── chunks in turns ── latency.json ──────┴── table, plots
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.bundle import Bundle, sha256_of
from dp_accel_ros.evaluate.bench.entrants import Absent, Entrant, entrants
from dp_accel_ros.evaluate.bench.folder import BenchFolder
from dp_accel_ros.evaluate.bench.modes.by_task import TASK_MODES
from dp_accel_ros.evaluate.bench.modes.mode_pass import MODE_ROWS, ModePass
from dp_accel_ros.evaluate.bench.modes.table import MODE_LEGEND, ModeResults
from dp_accel_ros.evaluate.bench.protocol import Protocol
from dp_accel_ros.evaluate.bench.results import Results, results
from dp_accel_ros.evaluate.bench.row import chosen
from dp_accel_ros.evaluate.bench.success import observations_of, run_row
from dp_accel_ros.evaluate.bench.sweep import base_name, sweep
from dp_accel_ros.evaluate.bench.table import LEGEND, document, markdown
from dp_accel_ros.evaluate.bench.timing import LatencyPass, lacks
from dp_accel_ros.evaluate.latency.line_up import noise_observations
from dp_accel_ros.evaluate.machine import machine_facts, machine_line, peak_memory_mib
from dp_accel_ros.evaluate.rollout import EpisodeResult
from dp_accel_ros.manifest.encoders import AUTO
from dp_accel_ros.predict.assemble import load_policy
from dp_accel_ros.predict.stages import Clock
from dp_accel_ros.sim.base import Task

N_NOISE = 16
"""Observations of noise that rows are timed with where there is no simulation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A bundle with the rows that it can run."""

    bundle: Bundle
    backend: BackendConfig
    protocol: Protocol
    folder: BenchFolder
    entrants: tuple[Entrant, ...]
    """Every row that can run, whoever was asked for."""

    absent: tuple[Absent, ...]
    wanted: tuple[Entrant, ...]
    """Those that were asked for."""

    @classmethod
    def of(
        cls,
        bundle: Bundle,
        backend: BackendConfig,
        protocol: Protocol,
        folder: BenchFolder,
        clock: Clock,
        only: Sequence[str] = (),
    ) -> Bench:
        """Return the benchmark of a bundle.

        Args:
            bundle: What is measured.
            backend: Where and how networks run.
            protocol: Numbers that are the same for every row.
            folder: Where results are, or will be.
            clock: Seconds, to measure what batches cost here.
            only: Names or wildcards of rows or methods; all without any.

        Raises:
            ConfigError: `only` names something that does not exist, the backend does not fit, or
                what the folder holds of these rows is of another bundle or protocol.
        """
        policy = load_policy(bundle, backend, clock=clock)
        policies = {None: policy, policy.precision: policy}
        if "float32" not in policies:
            plain = replace(backend, precision="float32")
            policies["float32"] = load_policy(bundle, plain, clock=clock)
        rows = sweep(bundle.manifest, policy.precision)
        names = {row.name for row in chosen(rows, only)}
        found, absent = entrants(rows, bundle, policies)
        wanted = tuple(one for one in found if one.row.name in names)
        for entrant in wanted:
            folder.row_file(entrant, protocol)  # fails now and not after hours, if it must
        return cls(
            bundle=bundle,
            backend=backend,
            protocol=protocol,
            folder=folder,
            entrants=tuple(found),
            absent=tuple(one for one in absent if one.row.name in names),
            wanted=wanted,
        )

    @property
    def base(self) -> Entrant:
        """The row that all others are compared to."""
        name = base_name(self.policy_precision)
        return next(one for one in self.entrants if one.row.name == name)

    @property
    def policy_precision(self) -> str:
        """In what the robot runs the denoiser."""
        return next(one.policy.precision for one in self.entrants if one.row.name == "ddpm")

    def missing(self, entrant: Entrant) -> int:
        """Return how many episodes of a row have not been run."""
        return self.protocol.n_episodes - len(self.folder.episodes(entrant, self.protocol))

    def run_row(
        self,
        entrant: Entrant,
        tasks: Sequence[Task],
        on_batch: Callable[[Sequence[EpisodeResult]], None] = lambda _: None,
    ) -> None:
        """Run the episodes that a row lacks, and write the table anew."""
        if self.missing(entrant):
            run_row(entrant, self.folder, self.protocol, tasks, on_batch)
            self.write()

    @property
    def modes(self) -> ModePass | None:
        """The pass over the ways to the goal, None for a task that has one."""
        if (task := self.bundle.manifest.task) not in TASK_MODES:
            return None
        names, mode_of = TASK_MODES[task]
        return ModePass(names=names, mode_of=mode_of, folder=self.folder, protocol=self.protocol)

    @property
    def compared(self) -> tuple[Entrant, ...]:
        """Rows that were asked for and whose ways are counted."""
        return tuple(one for one in self.wanted if self.modes and one.row.name in MODE_ROWS)

    @property
    def needs_timing(self) -> bool:
        """True where the newest latency pass has not all rows that were asked for."""
        return lacks(self.folder.latency, self.wanted)

    def time_rows(
        self,
        task: Task | None,
        clock: Clock,
        on_round: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Time what was asked for, the base sampler and all that was timed before, together.

        Ratios are of one run only if everybody takes part in it again.

        Args:
            task: Where the observations come from; noise without one.
            clock: Seconds.
            on_round: Told how many rounds are done.
        """
        before = self.folder.latency or {"timings": {}}
        names = {e.row.name for e in (self.base, *self.wanted)} | set(before["timings"])
        timed = [entrant for entrant in self.entrants if entrant.row.name in names]
        machine = machine_facts()
        latency_pass = LatencyPass.of(timed, self.base, self.bundle, self.backend)
        if task is None:
            seen, what = noise_observations(self.bundle.manifest, N_NOISE), "noise"
        else:
            seeds = self.protocol.seeds[:2]
            seen, what = observations_of(self._guide, task, seeds), "whole episodes"
        rounds = self.protocol.rounds
        timings = latency_pass.measured(seen, clock, rounds, on_round)
        notes = [
            f"{machine_line(machine)}; {self.backend.threads} network threads",
            f"{rounds} rounds, each with every row in an order drawn anew; batch 1, observations of"
            f" {what}, warm-up not timed; ratios are of medians",
            *latency_pass.notes,
            *self._batch_ratios,
        ]
        facts = {"machine": machine, "threads": self.backend.threads, "rounds": rounds}
        self.folder.keep_latency({"timings": timings, "notes": notes, **facts})
        self.write()

    @property
    def _guide(self) -> Entrant:
        """Whose episodes give the observations: a fast row that every bundle has."""
        return next((e for e in self.entrants if e.row.name == "ddim-16"), self.base)

    @property
    def results(self) -> Results:
        """What is known so far of every row, asked for or not."""
        return results(self.entrants, self.absent, self.base.row.name, self.folder, self.protocol)

    def write(self) -> None:
        """Write the table of what is known so far."""
        found, notes = self.results, [*self._notes, *LEGEND]
        title, ways = f"# {self.bundle.manifest.subject}\n\n", self._ways
        told = ["", *ways["mode_table"], "", *(f"- {note}" for note in ways["mode_notes"]), ""]
        text = title + markdown(found, notes) + ("\n".join(told) if ways["modes"] else "")
        self.folder.write("bench.md", text)
        text = json.dumps({**document(found, notes, self.facts), **ways}, indent=1)
        self.folder.write("bench.json", text + "\n")

    @property
    def ways(self) -> ModeResults:
        """What is known of the ways to the goal."""
        return ModeResults(()) if self.modes is None else self.modes.results(self.entrants)

    @property
    def _ways(self) -> dict[str, Any]:
        found = self.ways
        return {
            "modes": found.numbers,
            "mode_table": found.lines,
            "mode_notes": list(MODE_LEGEND) if found.rows else [],
        }

    @property
    def facts(self) -> dict[str, Any]:
        """What all rows have in common, ready for JSON."""
        return {
            "command": self.command,
            "task": self.bundle.manifest.subject,
            "bundle_sha256": sha256_of(self.bundle.file("manifest.yaml")),
            "base": self.base.row.name,
            "n_episodes": self.protocol.n_episodes,
            **self.protocol.facts,
            "precision": self.policy_precision,
            "provider": self.backend.provider,
            "runtime": self.backend.runtime,
            "threads": self.backend.threads,
            "batch_costs_s": self._batch_costs,
            "peak_memory_mib": peak_memory_mib(),
            "machine": machine_facts(),
        }

    @property
    def command(self) -> str:
        """What gives these results again."""
        usual, backend = Protocol(), BackendConfig()
        pairs = (
            ("observe", self.bundle.manifest.observe, AUTO),
            ("seed", self.protocol.first_seed, usual.first_seed),
            ("batch", self.protocol.batch, usual.batch),
            ("rounds", self.protocol.rounds, usual.rounds),
            ("starts", self.protocol.n_starts, usual.n_starts),
            ("repeats", self.protocol.n_repeats, usual.n_repeats),
            ("threads", self.backend.threads, backend.threads),
            ("provider", self.backend.provider, backend.provider),
            ("runtime", self.backend.runtime, backend.runtime),
            ("precision", self.backend.precision, backend.precision),
        )
        options = [f"--{name} {value}" for name, value, default in pairs if value != default]
        fixed = f"dp-accel bench --bundle {self.bundle.path} --episodes {self.protocol.n_episodes}"
        return " ".join([fixed, *options])

    @property
    def _batch_costs(self) -> dict[int, float]:
        """What the denoiser cost here when it was loaded, by states in a call, s."""
        costs = self.wanted[0].policy.batch_costs if self.wanted else None
        return {} if costs is None else dict(zip(costs.rows, costs.costs, strict=True))

    @property
    def _batch_ratios(self) -> list[str]:
        """What the closed form goes by; worth telling only where nothing else ran."""
        costs = self._batch_costs
        ratios = ", ".join(f"{n} states {cost / costs[1]:.1f}x" for n, cost in costs.items())
        by = "a call of the denoiser, which the closed form goes by"
        return [f"{by}: {ratios}"] if costs else []

    @property
    def _notes(self) -> list[str]:
        first, last = self.protocol.seeds[0], self.protocol.seeds[-1]
        how = f"lockstep, seeds {first} to {last}, {self.protocol.batch} at once"
        timed = (self.folder.latency or {}).get("notes", [])
        precision = f"denoiser in {self.policy_precision} where nothing else is said"
        memory = f"process with all networks and simulations: at most {peak_memory_mib():.0f} MiB"
        return [f"{how}; {precision}", *timed, memory]
