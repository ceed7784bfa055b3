# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A policy of two modes whose chunks, of 20 numbers, move with a condition of two, for ReDi."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from toy_networks import SCHEDULE, noise

from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.methods.diffusion import Diffusion
from dp_accel_ros.predict.methods.redi import Redi, RediConfig
from dp_accel_ros.predict.redi.knowledge_base import KnowledgeBase
from dp_accel_ros.predict.redi.trajectories import trajectories
from dp_accel_ros.predict.retrieval import NumpyIndex
from dp_accel_ros.predict.samplers import SAMPLERS
from dp_accel_ros.predict.stages import StageTimes

SHAPE, STEPS = (5, 4), (10, 20, 80)
MODES = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 20))
SLOPES = np.random.default_rng(1).normal(size=(20, 2)) / 20**0.5
EVERYTHING = np.array([True, True])


def two_modes(x: np.ndarray, t: np.ndarray, cond: np.ndarray) -> np.ndarray:
    """The exact clean estimate of .6 N(MODES[0] + SLOPES @ cond, .05²) + .4 N(MODES[1] + ...)."""
    levels, std = t.astype(int), 0.05
    alpha, sigma = SCHEDULE.alphas[levels, None], SCHEDULE.sigmas[levels, None]
    means = MODES + (cond[:, -1] @ SLOPES.T)[:, None]  # (B, 2, 20)
    flat, variance = x.reshape(len(x), 20), alpha**2 * std**2 + sigma**2
    squares = ((flat[:, None] - alpha[..., None] * means) ** 2).sum(axis=2)
    scores = np.log([0.6, 0.4]) - squares / (2 * variance)
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    mean = np.einsum("bm,bmd->bd", odds / odds.sum(axis=1, keepdims=True), means)
    clean = mean + alpha * std**2 / variance * (flat - alpha * mean)
    return clean.reshape(x.shape).astype(np.float32)


def conditions(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (n, 1, 2)).astype(np.float32)


QUERIES = conditions(40, 99)


@cache
def base_of(solver="ddim", n_steps=100) -> Diffusion:
    denoiser = Denoiser(two_modes, SCHEDULE, "sample", clip=False)
    return Diffusion(solver, denoiser, SAMPLERS[solver].spaced(SCHEDULE, n_steps), SHAPE)


@cache
def knowledge(size=200, solver="ddim", n_seeds=1, n_steps=100, seen=(True, True), steps=STEPS):
    """Return a knowledge base in single precision."""
    base, known, shown = base_of(solver, n_steps), conditions(size, 3), np.array(seen)
    start = noise(n_seeds, *SHAPE, seed=4)
    made = KnowledgeBase(
        solver=solver,
        num_inference_steps=n_steps,
        steps=steps,
        key_step=steps[-2],
        value_step=steps[-1],
        residuals=tuple(0.01 * step for step in steps),
        noise=start,
        conditions=known,
        states=np.zeros((n_seeds, size, len(steps), *SHAPE), np.float32),
        seen=shown,
        index=NumpyIndex,
    )
    given = made.key_condition(known)
    for seed, rows, found in trajectories(base.sampler, base.denoiser, start, given, steps):
        made.states[seed, rows] = found
    return made


def redi(made=None, network=None, **settings) -> Redi:
    made = made or knowledge()
    base = base_of(made.solver, made.num_inference_steps)
    if network is not None:
        base = replace(base, denoiser=replace(base.denoiser, network=network))
    defaults = {"neighbours": 1, "weights": "nn", "condition_weight": 0.0, "reject_above": 1000.0}
    config = RediConfig(**{**defaults, **settings})
    return Redi.configured(base, made, config)


def act(method, condition=QUERIES, seed=0):
    rng = np.random.default_rng(seed)
    return method.act(condition, rng, [None] * len(condition), StageTimes())


def in_full(condition=QUERIES, start=None, solver="ddim", n_steps=100):
    """Return what the solver itself makes of the knowledge base's first noise."""
    base = base_of(solver, n_steps)
    start = knowledge().noise[0] if start is None else start
    starts = np.repeat(start[None], len(condition), axis=0)
    return base.sampler.sample(base.denoiser.given(condition), starts, np.random.default_rng(0))


def errors(made, truth, **settings):
    """Return mean distances of the nearest key and of the chunk to the solver's own."""
    proposal = act(redi(made, **settings))
    gaps = (proposal.actions - truth).reshape(len(truth), -1)
    keys = [cost.retrieval_distance for cost in proposal.costs]
    return float(np.mean(keys)), float(np.linalg.norm(gaps, axis=1).mean())
