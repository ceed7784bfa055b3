# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import time

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
from tiny_bundle import frame_colours

from dp_accel_ros.nodes.inference_loop import RESET, WAITING, Idle, Inference, InferenceLoop
from dp_accel_ros.observe.window import ObservationWindow
from dp_accel_ros.predict.assemble import load_policy, make_method

STEP_NS = 40_000_000


@pytest.fixture(scope="module")
def policy(tiny_bundle):
    return load_policy(tiny_bundle)


@pytest.fixture(scope="module")
def ddim(policy):
    return make_method("ddim", policy)


@pytest.fixture
def window(policy):
    facts = policy.manifest
    return ObservationWindow(
        joint_names=facts.joint_names,
        camera_names=facts.camera_names,
        n_obs_steps=facts.n_obs_steps,
        dt=facts.dt,
        image_size={camera.name: (camera.height, camera.width) for camera in facts.cameras},
    )


@pytest.fixture
def loop(policy, window):
    return InferenceLoop(policy, window, seed=3, epoch=7, clock=time.perf_counter)


def see(window, step):
    """Let every sensor see something at a control step."""
    window.push_joints(step * STEP_NS, np.zeros(8))
    for camera, colour in zip(("front", "wrist"), frame_colours(step, 2), strict=True):
        window.push_image(camera, step * STEP_NS, np.tile(colour, (96, 96, 1)))


def step_at(loop, step, method, max_age_s=0.2):
    return loop.step(step * STEP_NS, method, 8, max_age_s)


def test_without_samples_the_reason_names_what_is_missing(loop, ddim):
    outcome = step_at(loop, 0, ddim)
    assert outcome == Idle("no image yet from front, wrist", is_fault=True)


def test_the_first_observation_is_predicted_from_at_once(loop, window, ddim):
    see(window, 0)
    made = step_at(loop, 0, ddim)
    assert (made.epoch, made.sequence, made.seed) == (7, 0, 3)
    assert made.prediction.chunk.stamp_ns == 0
    assert set(made.prediction.cost.stage_s) == {"encode", "sample", "total"}


def test_the_next_prediction_is_made_when_the_chunk_has_served(loop, window, ddim):
    see(window, 0)
    step_at(loop, 0, ddim)
    for step in range(1, 8):
        see(window, step)
        assert step_at(loop, step, ddim) is WAITING
    see(window, 8)
    assert step_at(loop, 8, ddim).sequence == 1


def test_a_stale_observation_is_not_used(loop, window, ddim):
    see(window, 0)
    outcome = step_at(loop, 10, ddim)
    assert outcome == Idle("newest observation is 0.4 s old", is_fault=True)


def test_a_reset_starts_a_new_epoch_without_samples(loop, window, ddim):
    see(window, 0)
    step_at(loop, 0, ddim)
    loop.reset(epoch=0)
    assert loop.epoch == 8
    assert isinstance(step_at(loop, 8, ddim), Idle)
    see(window, 8)
    made = step_at(loop, 8, ddim)
    assert (made.epoch, made.sequence) == (8, 0)


def test_what_was_begun_before_a_reset_is_thrown_away(policy, window, ddim):
    loops = []
    clock = ResettingClock(loops)
    loops.append(InferenceLoop(policy, window, seed=0, epoch=1, clock=clock))
    see(window, 0)
    assert step_at(loops[0], 0, ddim) is RESET
    assert loops[0].epoch == 2


class ResettingClock:
    """A clock that resets the loop the first time it is read, in the middle of a prediction."""

    def __init__(self, loops):
        self.loops = loops

    def __call__(self):
        while self.loops and self.loops[0].epoch == 1:
            self.loops[0].reset(0)
        return 0.0


def test_a_seed_and_a_place_give_the_same_chunk(policy, window, ddim):
    see(window, 0)
    runs = [
        InferenceLoop(policy, window, seed=3, epoch=epoch, clock=time.perf_counter)
        for epoch in (1, 2)
    ]
    first, second = (step_at(run, 0, ddim).prediction.chunk.actions for run in runs)
    np.testing.assert_array_equal(first, second)


def test_the_previous_prediction_is_handed_on_while_the_method_stays(loop, window, policy):
    alt = make_method("alt", policy)
    see(window, 0)
    assert isinstance(step_at(loop, 0, alt), Inference)
    see(window, 8)
    made = step_at(loop, 8, alt)
    assert isinstance(made, Inference)
    assert made.prediction.cost.match is not None
