# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import pytest

from dp_accel_ros.errors import ConfigError, UnknownNameError
from dp_accel_ros.evaluate.method_settings import method_config, settings_line


def test_settings_replace_defaults_with_their_own_type():
    config = method_config("ragdp", ["leap_ratio=0.75", "neighbours=3", "solver=ddim"])
    assert settings_line(config).startswith("leap_ratio=0.75, leap_mode=fixed")


@pytest.mark.parametrize(("text", "value"), [("false", False), ("False", False), ("true", True)])
def test_a_boolean_is_what_it_says(text, value):
    assert method_config("tsdp", [f"bonus={text}"]).bonus is value


@pytest.mark.parametrize(
    ("method", "setting", "message"),
    [
        (
            "ragdp",
            "leap=0.5",
            "no setting of 'ragdp' named 'leap'; there are leap_mode, leap_ratio",
        ),
        ("ragdp", "leap_ratio", "must be written as name=value, got 'leap_ratio'"),
        ("ddim", "num_inference_steps=many", "must be of type int, got 'many'"),
        ("tsdp", "bonus=0", "`bonus` must be true or false, got '0'"),
        ("ragdp", "leap_ratio=2", "`leap_ratio` must be at most 0.99, got 2.0"),
    ],
)
def test_a_wrong_setting_says_what_is_wrong(method, setting, message):
    with pytest.raises(ConfigError, match=message):
        method_config(method, [setting])


def test_an_unknown_method_names_the_known_ones():
    with pytest.raises(UnknownNameError, match="there are alt, consistency, ddim"):
        method_config("ddmp")
