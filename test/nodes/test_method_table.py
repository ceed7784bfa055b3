# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import time

import pytest

pytest.importorskip("onnxruntime")

from dp_accel_ros.errors import ConfigError, UnknownNameError
from dp_accel_ros.nodes.method_table import KEPT, MethodTable
from dp_accel_ros.nodes.warm_up import warm_up
from dp_accel_ros.predict.assemble import load_policy
from dp_accel_ros.predict.methods import METHOD_CONFIGS, DdimConfig, RagdpConfig


@pytest.fixture(scope="module")
def policy(tiny_bundle):
    return load_policy(tiny_bundle)


@pytest.fixture
def table(policy):
    return MethodTable(policy, {name: config() for name, config in METHOD_CONFIGS.items()})


def test_every_method_is_ready(table):
    assert {table.chosen(name).name for name in table.names} == set(METHOD_CONFIGS)


def test_a_method_is_built_once(table):
    assert table.chosen("ragdp") is table.chosen("ragdp")
    assert table.chosen("ragdp", "leap_ratio=0.75") is table.chosen("ragdp", "leap_ratio=0.75")


def test_an_update_is_used_from_the_next_choice_on(table):
    table.update("ddim", DdimConfig(num_inference_steps=4))
    assert table.chosen("ddim").sampler.nfe == 4


def test_settings_go_before_parameters_and_leave_them_alone(table):
    assert table.chosen("ddim", "num_inference_steps=4").sampler.nfe == 4
    assert table.chosen("ddim").sampler.nfe == 16


def test_what_the_policy_cannot_do_is_refused_before_it_is_used(table):
    with pytest.raises(ConfigError, match="`neighbours` must be at most 90"):
        table.check("ragdp", RagdpConfig(neighbours=500))


def test_an_unknown_method_is_refused_with_those_that_exist(table):
    with pytest.raises(UnknownNameError, match=r"'ddmi'; there are alt, .*ddim"):
        table.chosen("ddmi")


def test_many_settings_do_not_pile_up(table):
    for index in range(2 * KEPT):
        table.chosen("ragdp", f"leap_ratio={index / 1000}")
    assert len(table._built) <= KEPT


def test_the_warm_up_runs_every_method(policy, table):
    took_s = warm_up(policy, table, time.perf_counter)
    assert set(took_s) == set(METHOD_CONFIGS)
    assert all(seconds > 0 for seconds in took_s.values())
