# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from dp_accel_ros.errors import ConfigError
from dp_accel_ros.evaluate.demo import watch
from dp_accel_ros.evaluate.demo.child import ChildDiedError
from dp_accel_ros.evaluate.demo.config import DemoConfig
from dp_accel_ros.evaluate.demo.telemetry import EpisodeStatus, Heard, Telemetry
from dp_accel_ros.evaluate.demo.watch import Demo, DemoError
from dp_accel_ros.evaluate.method_settings import method_config


class FakeObserver:
    """Every look at its telemetry finds the episode 0.5 s further; odd ones succeed at 2 s."""

    def __init__(self, is_alive=True):
        self.heard, self.number, self.looks, self.is_alive = Telemetry(), 0, 0, is_alive
        self.heard.chunks.append(Heard(0, 0, 0))
        self.heard.trajectories.append(Heard(0, 0, 0))

    @property
    def telemetry(self):
        self.looks += self.is_alive
        elapsed_s = 0.5 * self.looks
        success = self.number % 2 == 1 and elapsed_s >= 2.0
        self.heard.episode = EpisodeStatus(
            self.number, 70 + self.number, elapsed_s, 4.0, success, 2.0, elapsed_s >= 4.0
        )
        return self.heard

    def missing(self):
        return []

    def reset_world(self):
        self.number, self.looks = self.number + 1, 0
        return ""


class DeadChild:
    name = "policy_node"

    def check(self):
        raise ChildDiedError("policy_node ended with exit status 1")

    def cpu_s(self):
        return 0.0


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(watch, "LOOK_S", 0.0)
    monkeypatch.setattr(watch, "LINGER_S", 0.0)


def config(tmp_path=Path("out"), **changes) -> DemoConfig:
    facts = {
        "bundle": Path("models/lift"),
        "task": "lift",
        "method": "ragdp",
        "settings": method_config("ragdp", ["leap_ratio=0.75"]),
        "out": tmp_path,
        "seed": 5,
        "episodes": 3,
        "minutes": None,
        "domain": 42,
    }
    return DemoConfig(**(facts | changes))


def test_every_episode_is_reset_and_counted():
    demo = Demo(FakeObserver(), [], lambda _: None)
    demo.run(config())
    assert [(o.number, o.seed, o.success) for o in demo.outcomes] == [
        (1, 71, True),
        (2, 72, False),
        (3, 73, True),
    ]


def test_the_duration_is_that_of_the_goal_or_of_the_whole_time():
    demo = Demo(FakeObserver(), [], lambda _: None)
    demo.run(config(episodes=2))
    assert [o.duration_s for o in demo.outcomes] == [2.0, 4.0]


def test_minutes_end_the_demo_after_the_episode_under_way():
    demo = Demo(FakeObserver(), [], lambda _: None)
    demo.run(config(episodes=None, minutes=1e-6))
    assert len(demo.outcomes) <= 1


def test_what_is_shown_says_what_is_waited_for_and_then_what_is_done():
    shown = []
    observer = FakeObserver()
    observer.missing = lambda: [] if shown else ["policy_node"]
    Demo(observer, [], shown.append).run(config(episodes=1))
    assert shown[0].phase == "waiting for policy_node"
    assert shown[-1].outcomes[0].success


def test_a_process_that_dies_ends_the_demo():
    with pytest.raises(ChildDiedError, match="policy_node ended with exit status 1"):
        Demo(FakeObserver(), [DeadChild()], lambda _: None).run(config())


def test_a_simulation_that_falls_silent_ends_the_demo(monkeypatch):
    monkeypatch.setattr(watch, "SILENCE_S", 0.02)
    with pytest.raises(DemoError, match="the simulation has said nothing new"):
        Demo(FakeObserver(is_alive=False), [], lambda _: None).run(config())


def test_settings_reach_the_policy_node_as_its_parameters():
    words = config(threads=1).commands()["policy_node"]
    assert "ragdp.leap_ratio:=0.75" in words
    assert "ragdp.solver:='ddpm'" in words
    assert "backend.threads:=1" in words


def test_the_scheduler_is_told_who_plans():
    words = config(scheduler="closed_form").commands()["scheduler_node"]
    assert "scheduler:='closed_form'" in words


def test_a_policy_without_cameras_has_a_simulation_that_draws_nothing():
    assert "publish_images:=False" in config(with_images=False).commands()["sim_node"]
    assert not any("images" in word for word in config().commands()["sim_node"])


def test_the_policy_is_told_what_to_observe():
    words = config(observe="pixels").commands()["policy_node"]
    assert "observe:='pixels'" in words


def test_the_processes_have_a_ros_of_their_own():
    environ = config().environ({"ROS_DOMAIN_ID": "0", "PATH": "/bin"})
    assert environ["ROS_DOMAIN_ID"] == "42"
    assert environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST"
    assert environ["PATH"] == "/bin"


@pytest.mark.parametrize("wrong", [{"minutes": 1.0}, {"episodes": None}, {"episodes": 0}])
def test_a_demo_of_no_definite_length_is_refused(wrong):
    with pytest.raises(ConfigError, match="`episodes`"):
        config(**wrong)
