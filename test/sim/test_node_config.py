# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import pytest

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.sim.node_config import SimConfig


@pytest.mark.parametrize(("dt", "every"), [(0.04, 4), (0.1, 10), (0.01, 1)])
def test_by_default_images_come_at_every_control_step_of_the_task(dt, every):
    assert SimConfig().image_every(dt) == every


def test_a_rate_of_images_goes_before_the_tasks_own():
    assert SimConfig(image_hz=50.0).image_every(0.1) == 2


def test_a_rate_of_images_that_does_not_divide_the_rate_is_refused():
    with pytest.raises(ConfigError, match="whole multiple of `image_hz`, got 100 and 30"):
        SimConfig(image_hz=30.0)
    with pytest.raises(ConfigError, match="whole multiple of `image_hz`, got 90 and 25"):
        SimConfig(rate=90.0).image_every(0.04)
