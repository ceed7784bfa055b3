# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Which rows a benchmark has, and which of them a bundle can run."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("onnxruntime")

from scheduler_toys import scheduled_bundle
from tiny_state_bundle import make_tiny_state_bundle

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.evaluate.bench.entrants import entrants
from dp_accel_ros.evaluate.bench.needs import needed_files
from dp_accel_ros.evaluate.bench.row import Row, chosen
from dp_accel_ros.evaluate.bench.sweep import base_name, sweep
from dp_accel_ros.predict.assemble import load_policy
from dp_accel_ros.predict.methods import METHOD_CONFIGS, AltConfig, RagdpConfig, TsdpConfig
from dp_accel_ros.predict.speculation.drafters import DRAFTERS
from dp_accel_ros.predict.speculation.rules import RULES


def entered(bundle, rows=None):
    """Return the entrants by name, and the reasons of the absent by name."""
    policy = load_policy(bundle)
    rows = sweep(bundle.manifest, "float32") if rows is None else rows
    found, absent = entrants(rows, bundle, {None: policy, "float32": policy})
    return {e.row.name: e for e in found}, {a.row.name: a.reason for a in absent}


def test_names_are_unique_and_those_of_files(tiny_bundle):
    names = [row.name for row in sweep(tiny_bundle.manifest, "int8")]
    assert len(set(names)) == len(names)
    with pytest.raises(ConfigError, match="`name` must match"):
        Row(name="a/b", family="", label="", method="ddpm")


def test_every_method_drafter_and_rule_of_the_release_has_a_row(tiny_bundle):
    rows = sweep(tiny_bundle.manifest, "float32")
    settings = {setting for row in rows for setting in row.settings}
    usual = TsdpConfig()
    assert {row.method for row in rows} >= set(METHOD_CONFIGS)
    assert settings >= {f"drafter={name}" for name in DRAFTERS if name != usual.drafter}
    assert settings >= {f"accept={name}" for name in RULES if name != usual.accept}
    assert settings >= {"lengths=fixed", "lengths=closed_form"}


def test_the_leap_ratios_are_the_papers(tiny_bundle):
    found, _ = entered(tiny_bundle)
    ratios = [
        found[f"ragdp-r{r}"].config.leap_ratio for r in ("0.5", "0.75", "0.875", "0.9", "0.95")
    ]
    assert ratios == [0.5, 0.75, 0.875, 0.9, 0.95]


def test_redi_is_swept_over_the_steps_that_the_bundle_keeps(tiny_bundle):
    names = {r.name for r in sweep(tiny_bundle.manifest, "float32") if r.method == "redi"}
    assert names == {"redi-k10-v80-h1", "redi-k10-v80-h4", "redi-k10-v80-h16"}


def test_only_rows_with_a_threshold_of_their_own_refuse(tiny_bundle):
    rows = [row for row in sweep(tiny_bundle.manifest, "float32") if row.method == "alt"]
    assert [row.name for row in rows if not row.refuse_ood] == ["alt"]
    assert len(rows) == 6


def test_the_base_sampler_is_measured_in_float32_too_where_the_robot_runs_int8(tiny_bundle):
    first, second = sweep(tiny_bundle.manifest, "int8")[:2]
    assert (first.name, first.precision) == (base_name("int8"), "float32")
    assert (second.name, second.precision) == (base_name("float32"), None)


def test_a_row_that_a_bundle_cannot_run_is_listed_with_the_reason(tmp_path):
    bundle = make_tiny_state_bundle(tmp_path / "bare", with_store=False)
    found, absent = entered(bundle)
    assert "ddpm" in found
    assert "'ragdp' needs a retrieval store" in absent["ragdp-r0.5"]
    assert "trajectory knowledge base" in absent["redi"]
    assert "found none" in absent["tsdp-ppo"]


def test_a_row_of_which_this_release_knows_nothing_is_listed_too(tiny_bundle):
    rows = [Row(name="later", family="", label="", method="ragdp", settings=("telepathy=1",))]
    found, absent = entered(tiny_bundle, rows)
    assert not found
    assert "no setting of 'ragdp' named 'telepathy'" in absent["later"]


def test_the_learned_scheduler_takes_part_under_its_own_settings(tiny_bundle, tmp_path):
    found, _ = entered(scheduled_bundle(tiny_bundle, tmp_path))
    assert found["tsdp-ppo"].config.guard == 4
    assert found["tsdp-ppo"].facts["learned_plan"]


def test_rows_are_chosen_by_name_by_method_and_by_pattern(tiny_bundle):
    rows = sweep(tiny_bundle.manifest, "float32")
    assert [row.name for row in chosen(rows, ["tsdp-k*"])] == ["tsdp-k10", "tsdp-k25", "tsdp-k40"]
    assert {row.method for row in chosen(rows, ["alt", "ddpm"])} == {"alt", "ddpm"}
    assert chosen(rows, []) == rows


def test_a_pattern_without_a_row_says_what_there_is(tiny_bundle):
    with pytest.raises(ConfigError, match="no row and no method is named 'rapdg'; there are ddpm"):
        chosen(sweep(tiny_bundle.manifest, "float32"), ["ddpm", "rapdg"])


def test_a_method_needs_only_the_files_that_it_reads(tiny_bundle):
    facts = tiny_bundle.manifest

    def files(name, config):
        return set(needed_files(facts, name, config, "float32", scheduled=False))

    assert files("alt", AltConfig()) == {
        "alt_encoder.onnx",
        "actions.npy",
        "episode_ends.npy",
        "alt_keys.npy",
    }
    solver = {"encoder.onnx", "denoiser.onnx"}
    store = {"actions.npy", "episode_ends.npy", "keys.npy"}
    assert files("ragdp", RagdpConfig()) == solver | store
    assert files("tsdp", TsdpConfig(drafter="frozen")) == solver
    assert files("consistency", METHOD_CONFIGS["consistency"]()) == {
        "encoder.onnx",
        "consistency.onnx",
    }
    assert files("ragdp", RagdpConfig(solver="heun")) == {"encoder.onnx", "edm.onnx"} | store
    assert files("redi", METHOD_CONFIGS["redi"]()) == solver | facts.knowledge.files


def test_results_stay_those_of_a_bundle_of_which_another_part_changed(tiny_bundle, tmp_path):
    before, _ = entered(tiny_bundle)
    after, _ = entered(scheduled_bundle(tiny_bundle, tmp_path))
    assert after["ragdp-r0.5"].needs == before["ragdp-r0.5"].needs


def test_results_are_not_those_of_a_bundle_that_executes_other_chunks(tiny_bundle):
    changed = replace(
        tiny_bundle, manifest=tiny_bundle.manifest.model_copy(update={"n_action_steps": 4})
    )
    before, _ = entered(tiny_bundle)
    after, _ = entered(changed)
    assert after["ddpm"].needs != before["ddpm"].needs
