# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import pytest

pytest.importorskip("rclpy")

from dp_accel_ros.chunk import Candidate, Cost
from dp_accel_ros.errors import DataError
from dp_accel_ros.nodes.diagnostics import (
    INFERENCE,
    OK,
    array_of,
    inference_values,
    status,
    values_in,
    whole,
)

COST = Cost(
    "ragdp",
    10,
    0.125,
    (3, 17),
    leap_ratio=0.9,
    candidates=(Candidate((3, 17), 0.9876), Candidate((5, 2), 0.5)),
    ood=True,
    exactness="words",
    stage_s={"total": 0.012},
)


def sent():
    values = inference_values(COST, epoch=5, sequence=9, seed=0)
    return array_of(7, [status(INFERENCE, OK, "", values)])


def test_an_inference_says_what_the_chunk_cost():
    values = values_in(sent(), INFERENCE)
    assert values["method"] == "ragdp"
    assert (values["nfe"], values["ood"], values["match"]) == ("10", "true", "3:17")
    assert (values["leap_ratio"], values["candidates"]) == ("0.9", "3:17 0.988, 5:2 0.500")
    assert (values["rejected"], values["total_ms"], values["retrieve_ms"]) == ("false", "12", "")


def test_sequence_and_epoch_are_whole_numbers():
    values = values_in(sent(), INFERENCE)
    assert (whole(values, "epoch"), whole(values, "sequence")) == (5, 9)


@pytest.mark.parametrize("values", [{}, {"epoch": "many"}])
def test_a_number_that_is_missing_or_wrong_is_refused(values):
    with pytest.raises(DataError, match="`epoch`: expected a whole number"):
        whole(values, "epoch")


def test_a_status_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(DataError, match="named scheduler/decision, found policy/inference"):
        values_in(sent(), "scheduler/decision")
