# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The scripted expert of `block_push`."""

from __future__ import annotations

import numpy as np

from dp_accel_ros.sim.arm_task import ArmTask
from dp_accel_ros.sim.base import Array
from dp_accel_ros.sim.block_push import BLOCK_HALF_M, BLOCKS, ZONES
from dp_accel_ros.sim.experts.grasp import hand_pose
from dp_accel_ros.sim.experts.motion import MotionPlan, nearest_yaw
from dp_accel_ros.sim.experts.playback import Playback

_NEAR_ENOUGH_M = 0.022
_PAD_HALF_M = 0.0095
"""How far the fingers reach in the direction they push in, m."""
_FINGER_M = 0.014
"""Half the opening while pushing: a block slips off one narrow pad, but not off two."""
_PUSH_HEIGHT_M = 0.024


class BlockPushExpert:
    """Pushes each block into the zone on its side, which one first is drawn; corrects misses."""

    def __init__(self) -> None:
        self._playback = Playback()
        self._rng = np.random.default_rng(0)
        self._errands: tuple[tuple[str, str], ...] = ()

    def reset(self, task: ArmTask, rng: np.random.Generator) -> None:
        """Draw the order, and plan the first push from where the task is now."""
        self._rng = rng
        errands = [(block, _zone_beside(block, task)) for block in BLOCKS]
        self._errands = tuple(errands[index] for index in rng.permutation(len(errands)))
        self._plan(task)

    def act(self, task: ArmTask) -> Array:
        """Return the joint targets, (Da,), of the coming tick; call once a tick."""
        if self._playback.finished and self._open_errand(task) is not None:
            self._plan(task)
        return self._playback.next()

    def done(self, task: ArmTask) -> bool:
        """Say whether both blocks are delivered and the expert only holds still."""
        return self._playback.finished and self._open_errand(task) is None

    def _open_errand(self, task: ArmTask) -> tuple[str, str] | None:
        """Return the first block and zone that are still apart."""
        for block, zone in self._errands:
            offset = task.world.block_position(block)[:2] - task.world.mark_position(zone)
            if np.abs(offset).max() > _NEAR_ENOUGH_M:
                return block, zone
        return None

    def _plan(self, task: ArmTask) -> None:
        errand = self._open_errand(task)
        plan = MotionPlan(hand_pose(task.world))
        if errand is None:
            plan.to(10.0, z=0.12)
        else:
            block = task.world.block_position(errand[0])[:2]
            _push(plan, block, task.world.mark_position(errand[1]), self._rng)
        self._playback.load(plan, task)


def _zone_beside(block: str, task: ArmTask) -> str:
    """Return the zone on the side of a block; the task begins with one block on either side."""
    place = task.world.block_position(block)[1]
    return min(ZONES, key=lambda zone: abs(task.world.mark_position(zone)[1] - place))


def _push(plan: MotionPlan, block: Array, goal: Array, rng: np.random.Generator) -> None:
    """Add the way behind `block`, (2,), the push to `goal`, (2,), and the way up again."""
    way = goal - block
    distance = float(np.linalg.norm(way))
    heading = way / distance
    contact = BLOCK_HALF_M + _PAD_HALF_M
    begin = block - heading * (contact + rng.uniform(0.018, 0.026))
    end = goal - heading * contact
    yaw = nearest_yaw(float(np.arctan2(heading[1], heading[0])), 0.0, period=np.pi)
    across = 14.0 + 70.0 * float(np.linalg.norm(begin - plan.start[:2])) + rng.uniform(0.0, 5.0)
    fall = rng.uniform(13.0, 16.0)
    plan.to(8.0, z=max(float(plan.start[2]), 0.085), finger=_FINGER_M)
    # at once, so that the next observation shows which block it will be
    plan.to(across, overlap=8.0, x=begin[0], y=begin[1], z=rng.uniform(0.075, 0.095))
    plan.to(fall, overlap=0.3 * fall, z=_PUSH_HEIGHT_M)
    # the turn takes all the time there is, wrist and base would be too fast otherwise
    plan.to(plan.end, overlap=plan.end, yaw=yaw)
    speed = rng.uniform(0.16, 0.22)
    plan.to(1.875 * (distance + 0.022) / speed / 0.04, overlap=2.0, x=end[0], y=end[1])
    back = end - 0.02 * heading
    plan.to(12.0, x=back[0], y=back[1]).to(12.0, overlap=9.0, z=0.09)
