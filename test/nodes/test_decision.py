# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import pytest

from dp_accel_ros.errors import ConfigError, UnknownNameError
from dp_accel_ros.nodes.decision import Decision, with_settings
from dp_accel_ros.predict.methods import RagdpConfig


def test_a_decision_survives_the_wire():
    decision = Decision(method="ragdp", settings="leap_ratio=0.75 neighbours=4")
    values = {key: str(value) for key, value in decision.values(epoch=3).items()}
    assert Decision.of(values) == decision


def test_settings_take_the_place_of_the_policys_own_values():
    config = with_settings(RagdpConfig(neighbours=2), "leap_ratio=0.75")
    assert (config.leap_ratio, config.neighbours) == (0.75, 2)


def test_a_setting_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(UnknownNameError, match="'leap'; there are leap_mode, leap_ratio"):
        with_settings(RagdpConfig(), "leap=0.5")


def test_a_setting_of_another_type_is_refused():
    with pytest.raises(ConfigError, match="`neighbours` must be of type int, got 'two'"):
        with_settings(RagdpConfig(), "neighbours=two")


def test_a_setting_out_of_range_is_refused():
    with pytest.raises(ConfigError, match="`leap_ratio` must be at most"):
        with_settings(RagdpConfig(), "leap_ratio=2")


@pytest.mark.parametrize("text", ["leap_ratio", "=3", "leap_ratio="])
def test_settings_that_are_not_written_as_pairs_are_refused(text):
    with pytest.raises(ConfigError, match="must be written as name=value"):
        Decision(settings=text)
