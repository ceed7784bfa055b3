# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import pytest

from dp_accel_ros.errors import BundleError, ConfigError, UnknownNameError
from dp_accel_ros.nodes.launch_arguments import given, refuse_wrong, truth


def test_a_good_bundle_and_method_are_let_through(tiny_bundle):
    refuse_wrong(str(tiny_bundle.path), "alt", "")


def test_a_folder_without_a_bundle_is_refused(tmp_path):
    with pytest.raises(BundleError, match=r"expected a bundle with manifest\.yaml"):
        refuse_wrong(str(tmp_path), "", "")


def test_an_unknown_method_is_refused_with_those_that_exist(tiny_bundle):
    with pytest.raises(UnknownNameError, match="'altt'; there are alt, consistency, ddim"):
        refuse_wrong(str(tiny_bundle.path), "altt", "")


def test_a_parameter_file_that_is_not_there_is_refused(tiny_bundle):
    with pytest.raises(ConfigError, match=r"there is no file /nowhere\.yaml"):
        refuse_wrong(str(tiny_bundle.path), "", "/nowhere.yaml")


@pytest.mark.parametrize(("word", "value"), [("true", True), ("False", False)])
def test_true_and_false_are_understood(word, value):
    assert truth("lockstep", word) is value


def test_another_word_is_refused():
    with pytest.raises(ConfigError, match="`lockstep` must be true or false, got 'yes'"):
        truth("lockstep", "yes")


def test_empty_arguments_override_nothing():
    assert given({"method": "", "task": "lift"}) == {"task": "lift"}


def test_a_sense_that_the_bundle_has_not_is_refused(tiny_bundle):
    refuse_wrong(str(tiny_bundle.path), "", "", "pixels")
    with pytest.raises(ConfigError, match="'observe: state' needs"):
        refuse_wrong(str(tiny_bundle.path), "", "", "state")
