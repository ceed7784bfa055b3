# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Which rows there are: the sweeps of the papers, and whatever else a release can do.

Rows are planned from what could be, not from what a bundle has: one that cannot run is listed with
the reason. A method, drafter or accept rule that no sweep names gets a row with its defaults.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dp_accel_ros.evaluate.bench.row import Row
from dp_accel_ros.manifest import Manifest
from dp_accel_ros.predict.methods import METHOD_CONFIGS, TsdpConfig
from dp_accel_ros.predict.speculation.drafters import DRAFTERS
from dp_accel_ros.predict.speculation.rules import RULES

LEAPS = (0.5, 0.75, 0.875, 0.9, 0.95)
SHORT_LEAPS = (0.5, 0.75, 0.9)
"""Of solvers that make few steps anyway."""

TOP = 20
"""Nearest chunks of which one is drawn, so that modes survive."""

TOLERANCES = (0.5, 0.9)
"""Of the total variation that a leap of its own choice may cause."""

DRAFT_LENGTHS = (10, 25, 40)
RULE_LENGTH = 10
"""Draft length at which accept rules and drafters are compared; longer ones make a drafter that is
often wrong several times as expensive as the base sampler, and say the same of it."""

RULE_SETTINGS: Mapping[str, tuple[tuple[str, float], ...]] = {
    "tempered": (("sigma_scale", 1.5), ("sigma_scale", 2.0)),
    "threshold": (("threshold", 0.9), ("threshold", 0.5)),
}
"""Accept rule to what is swept of it; other rules have one row."""

GAMMAS = (0.7, 0.75, 0.8, 0.9)
FALSE_ALARM_RATE = 0.05
NEIGHBOURS = (1, 4, 16)
"""Of ReDi, at the bundle's own key and value step."""


def sweep(manifest: Manifest, precision: str) -> list[Row]:
    """Return all rows for a bundle whose denoiser a robot runs in `precision`, baselines first."""
    n_steps = manifest.schedule.num_train_timesteps
    rows = [
        *_base(n_steps, precision),
        *_ragdp(n_steps),
        *_alt(),
        *_redi(manifest),
        *_tsdp(manifest),
    ]
    named = {row.method for row in rows}
    return rows + [
        Row(name=name, family="Others", label=name, method=name)
        for name in METHOD_CONFIGS
        if name not in named
    ]


def base_name(precision: str) -> str:
    """Return the name of the row that all others are compared to: the base sampler in float32."""
    return "ddpm" if precision == "float32" else "ddpm-float32"


def _base(n_steps: int, precision: str) -> Iterable[Row]:
    family, steps, label = "Solvers", (f"num_inference_steps={n_steps}",), f"DDPM-{n_steps}"
    if precision != "float32":
        yield Row(
            name=base_name(precision),
            family=family,
            label=f"{label} float32",
            method="ddpm",
            settings=steps,
            precision="float32",
        )
    yield Row(name="ddpm", family=family, label=label, method="ddpm", settings=steps)
    others = (
        ("ddim-16", "DDIM-16", "ddim", 16),
        ("dpmpp-10", "DPM++(2M)-10", "dpmpp_2m", 10),
        ("heun", "EDM, Heun", "heun", None),
        ("consistency-1", "Consistency, 1 step", "consistency", 1),
        ("consistency-3", "Consistency, 3 steps", "consistency", 3),
    )
    for name, label, method, steps in others:
        settings = () if steps is None else (f"num_inference_steps={steps}",)
        yield Row(name=name, family=family, label=label, method=method, settings=settings)


def _ragdp(n_steps: int) -> Iterable[Row]:
    solvers = (
        ("ragdp", "RAGDP", "ddpm", n_steps, LEAPS),
        ("ragdp-20", "RAGDP of 20", "ddpm", min(20, n_steps), SHORT_LEAPS),
        ("ragdp-ve", "RAGDP-VE", "heun", None, LEAPS),
        ("ragdp-ddim", "RAGDP + DDIM-16", "ddim", 16, SHORT_LEAPS),
        ("ragdp-dpmpp", "RAGDP + DPM++(2M)-10", "dpmpp_2m", 10, SHORT_LEAPS),
        ("ragdp-consistency", "RAGDP + consistency", "consistency", 1, SHORT_LEAPS),
    )
    for name, label, solver, steps, ratios in solvers:
        shared = (f"solver={solver}",) + (
            () if steps is None else (f"num_inference_steps={steps}",)
        )
        for ratio in ratios:
            yield _ragdp_row(
                f"{name}-r{ratio:g}", f"{label} r={ratio:g}", f"leap_ratio={ratio}", *shared
            )
    for ratio in (0.5, 0.75, 0.9):
        many = f"neighbours={TOP}"
        settings = (f"leap_ratio={ratio}", many, f"num_inference_steps={n_steps}")
        yield _ragdp_row(
            f"ragdp-r{ratio:g}-top{TOP}", f"RAGDP r={ratio:g}, one of {TOP}", *settings
        )
    for tolerance in TOLERANCES:
        name, label = f"ragdp-auto-{tolerance:g}", f"RAGDP r=auto, bound {tolerance:g}"
        settings = (
            "leap_mode=auto",
            f"leap_tolerance={tolerance}",
            f"num_inference_steps={n_steps}",
        )
        yield _ragdp_row(name, label, *settings)


def _ragdp_row(name: str, label: str, *settings: str) -> Row:
    return Row(name=name, family="RAGDP", label=label, method="ragdp", settings=settings)


def _alt() -> Iterable[Row]:
    yield Row(name="alt", family="ALT", label="ALT, nothing refused", method="alt")
    kinds = [(f"{gamma:g}", f"threshold={gamma}") for gamma in GAMMAS]
    kinds.append(("conformal", f"false_alarm_rate={FALSE_ALARM_RATE}"))
    for word, setting in kinds:
        yield Row(
            name=f"alt-{word}",
            family="ALT",
            label=f"ALT, gamma = {word}",
            method="alt",
            settings=(setting,),
            refuse_ood=True,
        )


def _redi(manifest: Manifest) -> Iterable[Row]:
    facts = manifest.knowledge
    if facts is None:
        yield Row(name="redi", family="ReDi", label="ReDi", method="redi")
        return
    k, v = facts.key_step, facts.value_step
    triples = [(k, v, n) for n in NEIGHBOURS]
    triples += [(k, other, NEIGHBOURS[-1]) for other in facts.steps if k < other != v]
    triples += [(other, v, NEIGHBOURS[-1]) for other in facts.steps if k != other < v]
    for key, value, n in triples:
        yield Row(
            name=f"redi-k{key}-v{value}-h{n}",
            family="ReDi",
            label=f"ReDi k={key} v={value} H={n}",
            method="redi",
            settings=(f"key_step={key}", f"value_step={value}", f"neighbours={n}"),
        )


def _tsdp(manifest: Manifest) -> Iterable[Row]:
    usual = TsdpConfig()
    for k in DRAFT_LENGTHS:
        yield _fixed(f"tsdp-k{k}", f"TS-DP K={k}", k)
    yield _tsdp_row("tsdp-closed-form", "TS-DP, closed form", "lengths=closed_form")
    if manifest.scheduler is not None:
        yield from _as_trained(manifest.scheduler.settings, usual)
    yield Row(
        name="tsdp-ppo", family="TS-DP", label="TS-DP, PPO", method="tsdp", learned_plan=True
    )
    for rule in RULES:
        if rule == usual.accept:
            continue
        for name, value in RULE_SETTINGS.get(rule, ()):
            words = f"{rule}, {name} {value:g}"
            settings = (f"accept={rule}", f"{name}={value}")
            yield _fixed(f"tsdp-{rule}-{value:g}", f"TS-DP {words}", RULE_LENGTH, *settings)
        if rule not in RULE_SETTINGS:
            yield _fixed(f"tsdp-{rule}", f"TS-DP {rule}", RULE_LENGTH, f"accept={rule}")
    for drafter in DRAFTERS:
        if drafter != usual.drafter:
            label = f"TS-DP, {drafter.replace('_', ' ')}"
            yield _fixed(f"tsdp-{drafter}", label, RULE_LENGTH, f"drafter={drafter}")


def _as_trained(settings: Mapping[str, object], usual: TsdpConfig) -> Iterable[Row]:
    """Yield the fixed lengths as a learned scheduler has it, where that is not as usual."""
    compared = tuple(f"{name}={settings.get(name, '')}" for name in ("accept", "drafter"))
    if compared != (f"accept={usual.accept}", f"drafter={usual.drafter}"):
        words = ", ".join(setting.partition("=")[2] for setting in compared)
        for k in DRAFT_LENGTHS:
            yield _fixed(f"tsdp-as-ppo-k{k}", f"TS-DP {words} K={k}", k, *compared)


def _fixed(name: str, label: str, length: int, *settings: str) -> Row:
    return _tsdp_row(name, label, "lengths=fixed", f"draft_length={length}", *settings)


def _tsdp_row(name: str, label: str, *settings: str) -> Row:
    return Row(name=name, family="TS-DP", label=label, method="tsdp", settings=settings)
