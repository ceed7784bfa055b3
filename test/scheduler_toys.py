# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A cheap robot to schedule for, and an actor that always chooses the same."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dp_accel_ros.bundle import Bundle
from dp_accel_ros.bundle.networks import put_section
from dp_accel_ros.predict.methods import TsdpConfig
from dp_accel_ros.predict.speculation.scheduling.choices import output_names
from dp_accel_ros.predict.speculation.scheduling.ppo_scheduler import PpoScheduler, settings_of
from dp_accel_ros.predict.speculation.scheduling.view import SchedulerView


class Drifter:
    """An arm that goes halfway to each target; done when seed % 5 chunks have passed, if ever."""

    name, dt, max_ticks, camera_names = "lift", 0.04, 30, ("front", "wrist")
    state_names = ("tick",)

    def reset(self, seed):
        self.seed, self.tick = seed, 0
        self.joints = 0.1 * np.random.default_rng(seed).standard_normal(8)

    def step(self, action):
        self.tick += 1
        self.joints = self.joints + 0.5 * (np.asarray(action) - self.joints)

    def images(self):
        shade = np.uint8((37 * self.seed + self.tick) % 256)
        return {name: np.full((96, 96, 3), shade) for name in self.camera_names}

    def joint_positions(self):
        return self.joints.copy()

    def state(self):
        return np.array([self.tick])

    def score(self):
        return float(self.success())

    def effector_position(self):
        return self.joint_positions()

    def success(self):
        return self.tick >= 8 * (self.seed % 5 + 1) - 3

    def close(self):
        pass


@dataclass(frozen=True)
class ConstantActor:
    """Gives the same numbers, whatever is seen."""

    action: tuple[float, ...]

    def __call__(self, observation):
        return np.tile(np.array(self.action, np.float32), (len(observation), 1))


def constant_scheduler(manifest, action, base=None):
    """Return a scheduler of a bundle's robot that always chooses the same."""
    view = SchedulerView.of(manifest, episode_s=1.2)
    actor = ConstantActor(tuple(action))
    return PpoScheduler(view=view, actor=actor, base=base or TsdpConfig())


def action_for(index: int) -> float:
    """Return the actor's number for an entry of `DRAFT_LENGTHS`."""
    return -1.0 + 2.0 * index / 10


def write_actor(path: Path, n_inputs: int, first: float, later: float) -> None:
    """Write a network that gives `first` three times without a last chunk and `later` with one."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = np.zeros((n_inputs, 3), np.float32)
    weights[-1] = later - first  # the last number says whether there is a last chunk
    constants = [
        numpy_helper.from_array(weights, "weights"),
        numpy_helper.from_array(np.full(3, first, np.float32), "bias"),
    ]
    node = helper.make_node("Gemm", ["observation", "weights", "bias"], ["action"])
    ports = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["B", size])
        for name, size in (("observation", n_inputs), ("action", 3))
    ]
    graph = helper.make_graph([node], "actor", ports[:1], ports[1:], constants)
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)


def scheduled_bundle(bundle: Bundle, folder: Path) -> Bundle:
    """Return a copy of a bundle with a scheduler: K = 1 at first, K = 10 after the first chunk."""
    shutil.copytree(bundle.path, folder / "scheduled")
    view, base = SchedulerView.of(bundle.manifest, episode_s=6.4), TsdpConfig(guard=4)
    write_actor(folder / "actor.onnx", view.size, action_for(0), action_for(5))
    facts = {
        "episode_s": view.episode_s,
        "settings": settings_of(base),
        "inputs": view.inputs,
        "outputs": list(output_names(base.accept)),
    }
    return put_section(folder / "scheduled", "scheduler", facts, {"file": folder / "actor.onnx"})
