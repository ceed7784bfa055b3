# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What we send, judged by a model of the rules of ros2_control's joint_trajectory_controller."""

import numpy as np
import pytest
from scheduling import HOME, STEP_NS, ns, offered, scheduler

pytest.importorskip("mujoco")
from dp_accel_ros.sim.trajectory_controller import Accepted, JointPath, TrajectoryController

NAMES = ("joint1", "finger_joint")
MS = 1_000_000


def path_of(trajectory):
    return JointPath(
        stamp_ns=trajectory.start_ns,
        joint_names=NAMES,
        positions=trajectory.positions,
        velocities=trajectory.velocities,
        times_from_start_s=trajectory.times_s,
    )


def ticks(seed, n=200):
    """Yield (sent at, trajectory, arrives at) of a run with random latencies and lost chunks."""
    rng = np.random.default_rng(seed)
    # the arm is said to be at home all the time, so being elsewhere must not matter
    made, in_flight = scheduler(max_course_error_rad=0.0), []
    now = ns(0)
    for tick in range(n):
        now += STEP_NS + int(rng.normal(scale=0.5 * MS))
        made.observe(now, HOME)
        if tick % 8 == 0 and rng.random() > 0.1:
            base = HOME + rng.normal(scale=[0.1, 0.005])
            ready = tick + rng.gamma(2.0, 2.0)
            in_flight.append((ready, offered(tick, sequence=tick, base=base, rate=0.02)))
        for ready, candidate in list(in_flight):
            if ready <= tick:
                made.push(candidate, now)
                in_flight.remove((ready, candidate))
        yield now, made.at(now).trajectory, now + int(rng.uniform(0.1 * MS, 20 * MS))


@pytest.mark.parametrize("seed", range(5))
def test_the_controller_accepts_what_is_sent_at_every_tick(seed):
    controller = TrajectoryController(NAMES, HOME)
    answers = [controller.accept(path_of(told), later) for _, told, later in ticks(seed)]
    assert all(isinstance(answer, Accepted) for answer in answers)


@pytest.mark.parametrize("seed", range(5))
def test_the_controller_moves_the_arm_without_jumps(seed):
    controller, before = TrajectoryController(NAMES, HOME), HOME
    for _, told, later in ticks(seed):
        at_arrival, _ = controller.sample(later)
        controller.accept(path_of(told), later)
        after, _ = controller.sample(later)
        # a new chunk sets the course from the tick on; the arm hears of it some ms later
        assert abs(after - at_arrival)[0] < 2.0 * 0.02
        assert abs(after - before)[0] < 2.0 * 0.12
        before = after


def test_while_no_chunk_comes_the_controller_stays_on_the_very_same_course():
    controller = TrajectoryController(NAMES, HOME)
    made = scheduler()
    made.push(offered(0, rate=0.02), ns(1))
    controller.accept(path_of(made.at(ns(1)).trajectory), ns(1))
    for tick in range(2, 15):
        made.observe(ns(tick), HOME)
        later = ns(tick + 0.2)
        expected, speed = controller.sample(later)
        controller.accept(path_of(made.at(ns(tick)).trajectory), later)
        np.testing.assert_allclose(controller.sample(later)[0], expected, atol=1e-6)
        np.testing.assert_allclose(controller.sample(later)[1], speed, atol=1e-4)
