# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
from dp_accel_ros.nodes.pairing import Pairing


def test_halves_are_joined_whichever_comes_first():
    pairing = Pairing()
    assert pairing.first(1, "chunk") is None
    assert pairing.second(1, "facts") == ("chunk", "facts")
    assert pairing.second(2, "facts") is None
    assert pairing.first(2, "chunk") == ("chunk", "facts")


def test_a_half_is_used_once():
    pairing = Pairing()
    pairing.second(1, "facts")
    pairing.first(1, "chunk")
    assert pairing.first(1, "chunk") is None


def test_halves_of_other_stamps_are_never_joined():
    pairing = Pairing()
    pairing.first(1, "chunk")
    assert pairing.second(2, "facts") is None


def test_what_never_finds_its_other_half_is_dropped_and_counted():
    pairing = Pairing(n_kept=2)
    for stamp in range(5):
        pairing.first(stamp, "chunk")
    assert pairing.dropped == 3
    assert pairing.second(0, "facts") is None
    assert pairing.second(4, "facts") == ("chunk", "facts")


def test_nothing_waits_after_a_clear():
    pairing = Pairing()
    pairing.first(1, "chunk")
    pairing.clear()
    assert pairing.second(1, "facts") is None
