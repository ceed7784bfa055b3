# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The policy from end to end, on networks whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dp_accel_ros.bundle import Bundle
from dp_accel_ros.errors import (
    ConfigError,
    NotFiniteError,
    ShapeError,
    UnknownNameError,
)
from dp_accel_ros.observation import Observation
from dp_accel_ros.predict.assemble import load_policy, make_method
from dp_accel_ros.predict.methods import METHODS, AltConfig, RagdpConfig
from dp_accel_ros.predict.policy import Policy, Prediction

pytest.importorskip("onnxruntime")
tiny = pytest.importorskip("tiny_bundle")

DENOISING = ("ddpm", "ddim", "dpmpp_2m", "heun", "consistency", "ragdp")


@pytest.fixture
def observation(tiny_bundle: Bundle) -> Observation:
    return tiny.observation_at(tiny_bundle, 35, stamp_ns=1_000_000_000)


def _predict(policy: Policy, observation: Observation, name: str, **options) -> Prediction:
    method = make_method(name, policy)
    return policy.predict(observation, method, np.random.default_rng(0), **options)


@pytest.mark.parametrize("name", DENOISING)
def test_every_denoising_method_finds_the_one_chunk_there_is(tiny_policy, observation, name):
    expected = tiny.target_chunk(tiny.frame_joints(35, 8), 16)
    predicted = _predict(tiny_policy, observation, name).normalised
    np.testing.assert_allclose(predicted, expected, atol=1e-4)


def test_alt_replays_the_demonstration_of_a_stored_frame(tiny_policy, tiny_bundle, observation):
    predicted = _predict(tiny_policy, observation, "alt")
    assert predicted.cost.match == (1, 5)
    np.testing.assert_allclose(
        predicted.chunk.actions, tiny_bundle.store.actions[35:50], atol=1e-5
    )


@pytest.mark.parametrize("name", METHODS)
def test_a_chunk_begins_with_the_action_due_at_the_observation(tiny_policy, observation, name):
    predicted = _predict(tiny_policy, observation, name)
    assert predicted.chunk.stamp_ns == predicted.chunk.due_ns(0) == 1_000_000_000
    assert predicted.chunk.actions.shape == (15, 8)
    raw = tiny_policy.actions.unnormalize(predicted.normalised)
    np.testing.assert_array_equal(predicted.chunk.actions, raw[1:])


@pytest.mark.parametrize("name", METHODS)
def test_a_seed_gives_the_same_chunk_bit_for_bit(tiny_policy, observation, name):
    first, second = (_predict(tiny_policy, observation, name) for _ in range(2))
    np.testing.assert_array_equal(first.chunk.actions, second.chunk.actions)


@pytest.mark.parametrize("name", METHODS)
def test_a_batch_of_one_is_a_single_prediction(tiny_policy, observation, name):
    method = make_method(name, tiny_policy)
    (batched,) = tiny_policy.predict_batch([observation], method, np.random.default_rng(0))
    single = _predict(tiny_policy, observation, name)
    np.testing.assert_array_equal(batched.normalised, single.normalised)


@pytest.mark.parametrize("name", METHODS)
def test_every_row_of_a_batch_gets_its_own_chunk(tiny_policy, tiny_bundle, name):
    rows = [3, 35, 80]
    observations = [tiny.observation_at(tiny_bundle, row, stamp_ns=row) for row in rows]
    method = make_method(name, tiny_policy)
    batch = tiny_policy.predict_batch(observations, method, np.random.default_rng(0))
    assert [prediction.chunk.stamp_ns for prediction in batch] == rows
    now = np.stack([prediction.normalised[1] for prediction in batch])
    np.testing.assert_allclose(now, [tiny.frame_joints(row, 8) for row in rows], atol=0.01)


def test_the_condition_of_a_demonstration_frame_is_its_key(tiny_policy, tiny_bundle):
    for row in (0, 29, 30, 89):
        condition = tiny_policy.condition([tiny.observation_at(tiny_bundle, row)])
        # keys are kept in half precision: 11 bits
        np.testing.assert_allclose(condition.ravel(), tiny_bundle.store.keys[row], rtol=2**-10)


def test_ragdp_retrieves_the_frame_that_it_sees(tiny_policy, observation):
    cost = _predict(tiny_policy, observation, "ragdp").cost
    assert (cost.match, cost.nfe) == ((1, 5), 2)
    assert cost.retrieval_distance < 2e-3  # keys are kept in half precision


def test_leap_ratio_0_equals_the_solver_through_the_whole_policy(tiny_policy, observation):
    ragdp = make_method("ragdp", tiny_policy, RagdpConfig(leap_ratio=0.0, num_inference_steps=100))
    leapt = tiny_policy.predict(observation, ragdp, np.random.default_rng(0))
    base = _predict(tiny_policy, observation, "ddpm")
    np.testing.assert_array_equal(leapt.normalised, base.normalised)


def test_stages_are_timed_by_the_callers_clock(tiny_policy, observation):
    ticks = iter(range(100))
    cost = _predict(tiny_policy, observation, "ragdp", clock=lambda: float(next(ticks))).cost
    assert dict(cost.stage_s) == {"encode": 1.0, "retrieve": 1.0, "sample": 1.0, "total": 7.0}


def test_nothing_is_timed_without_a_clock(tiny_policy, observation):
    assert dict(_predict(tiny_policy, observation, "alt").cost.stage_s) == {}


def test_alt_continues_its_demonstration_from_the_elapsed_time(tiny_policy, tiny_bundle):
    alt = make_method("alt", tiny_policy, AltConfig(hysteresis_margin=2.0))
    rng = np.random.default_rng(0)
    first = tiny_policy.predict(tiny.observation_at(tiny_bundle, 35), alt, rng)
    later = tiny.observation_at(tiny_bundle, 80, stamp_ns=320_000_000)
    second = tiny_policy.predict(later, alt, rng, previous=first)
    assert (first.cost.match, second.cost.match) == ((1, 5), (1, 13))


def test_a_prediction_from_the_future_is_not_continued(tiny_policy, tiny_bundle):
    alt = make_method("alt", tiny_policy, AltConfig(hysteresis_margin=2.0))
    rng = np.random.default_rng(0)
    first = tiny_policy.predict(tiny.observation_at(tiny_bundle, 35, stamp_ns=10**9), alt, rng)
    after_reset = tiny.observation_at(tiny_bundle, 80, stamp_ns=0)
    second = tiny_policy.predict(after_reset, alt, rng, previous=first)
    assert second.cost.match == (2, 10)


def test_the_bundles_threshold_decides_what_is_out_of_distribution(tiny_policy, observation):
    strange = replace(observation, joints=observation.joints + np.float32(50))
    assert _predict(tiny_policy, strange, "alt").cost.ood
    assert not _predict(tiny_policy, observation, "alt").cost.ood


def _with_images(observation: Observation, front) -> Observation:
    return replace(observation, images={**observation.images, "front": front})


WRONG = {
    "NaN": (
        lambda o: replace(o, joints=o.joints * np.float32(np.nan)),
        NotFiniteError,
        "joints: expected finite numbers, got 16 of 16",
    ),
    "double joints": (
        lambda o: replace(o, joints=o.joints.astype(np.float64)),
        ShapeError,
        r"joints: expected float32 \(2, 8\), got float64 \(2, 8\)",
    ),
    "one step": (
        lambda o: replace(o, joints=o.joints[:1]),
        ShapeError,
        r"joints: expected float32 \(2, 8\), got float32 \(1, 8\)",
    ),
    "float images": (
        lambda o: _with_images(o, o.images["front"] / np.float32(255)),
        ShapeError,
        r"images of 'front': expected uint8 \(2, 96, 96, 3\), got float32",
    ),
    "small images": (
        lambda o: _with_images(o, o.images["front"][:, :84]),
        ShapeError,
        r"images of 'front': expected uint8 \(2, 96, 96, 3\), got uint8 \(2, 84, 96, 3\)",
    ),
    "lost camera": (
        lambda o: replace(o, images={"front": o.images["front"]}),
        UnknownNameError,
        "no observed camera named 'wrist'; there are front",
    ),
}


@pytest.mark.parametrize(("change", "kind", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_observation_is_refused(tiny_policy, observation, change, kind, message):
    with pytest.raises(kind, match=message):
        _predict(tiny_policy, change(observation), "alt")


def test_actions_that_are_not_finite_are_refused(tiny_bundle: Bundle, observation):
    broken = _BreaksAfterTheFirstCall()
    policy = load_policy(tiny_bundle, network=broken)
    with pytest.raises(
        NotFiniteError, match="actions of 'ddim': expected finite numbers, got 128"
    ):
        _predict(policy, observation, "ddim")


class _BreaksAfterTheFirstCall:
    """A network that passes the check at loading and gives NaN from then on."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, x, t, cond):
        self.calls += 1
        return x if self.calls == 1 else x * np.float32(np.nan)


def test_an_empty_batch_is_refused(tiny_policy):
    with pytest.raises(ConfigError, match="at least 1, got 0 observations"):
        tiny_policy.predict_batch([], make_method("alt", tiny_policy), np.random.default_rng(0))


def test_a_torch_module_can_take_the_place_of_the_onnx_file(tiny_bundle, observation):
    torch = pytest.importorskip("torch")
    from dp_accel_ros.predict.networks.torch_network import TorchNetwork

    class Blind(torch.nn.Module):
        def forward(self, x, t, cond):
            return x * 0

    policy = load_policy(tiny_bundle, network=TorchNetwork(Blind()))
    assert _predict(policy, observation, "ddim").chunk.actions.shape == (15, 8)
