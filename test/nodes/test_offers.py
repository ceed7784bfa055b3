# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

pytest.importorskip("rclpy")

from dp_accel_ros.chunk import ActionChunk, Cost
from dp_accel_ros.errors import DataError
from dp_accel_ros.nodes.diagnostics import INFERENCE, OK, array_of, inference_values, status
from dp_accel_ros.nodes.messages import chunk_to_msg
from dp_accel_ros.nodes.offers import offer_from

NAMES = ("joint1", "finger_joint")
CHUNK = ActionChunk(np.ones((5, 2), np.float32), 7, 0.04)


def inference(**changes):
    values = inference_values(Cost("alt", 0, ood=True), epoch=4, sequence=9, seed=0) | changes
    return array_of(7, [status(INFERENCE, OK, "", values)])


def test_a_chunk_and_its_inference_become_an_offer():
    offer = offer_from(chunk_to_msg(CHUNK, NAMES), inference(), NAMES, 0.04)
    assert (offer.epoch, offer.sequence, offer.method, offer.ood) == (4, 9, "alt", True)
    np.testing.assert_array_equal(offer.chunk.actions, CHUNK.actions)


def test_a_chunk_without_a_place_in_the_stream_is_refused():
    with pytest.raises(DataError, match="`sequence`: expected a whole number, got ''"):
        offer_from(chunk_to_msg(CHUNK, NAMES), inference(sequence=""), NAMES, 0.04)


def test_a_chunk_for_another_arm_is_refused():
    with pytest.raises(DataError, match="expected joints a, b"):
        offer_from(chunk_to_msg(CHUNK, NAMES), inference(), ("a", "b"), 0.04)
