# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""From sensor messages to the observation window; what cannot be used is refused with a reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dp_accel_ros.errors import DpAccelError
from dp_accel_ros.nodes.messages import image_from_msg, joint_state_to_array, stamp_to_ns
from dp_accel_ros.nodes.policy_parts import JOINTS, STATE, PolicyParts


class Intake:
    """Puts what the sensors say into the window of a policy. Any thread may call it."""

    def __init__(
        self,
        parts: PolicyParts,
        now_ns: Callable[[], int],
        wake: Callable[[], None],
        complain: Callable[[str], object],
    ) -> None:
        """Make an intake.

        Args:
            parts: The policy; its window and streams are filled.
            now_ns: Returns the time on the clock that stamps the observations.
            wake: Called after every sample that may complete an observation.
            complain: Hears why samples of a stream are refused, once for each reason.
        """
        self._parts, self._now_ns = parts, now_ns
        self._wake, self._complain = wake, complain
        self._shown_again_ns = 0

    def image(self, camera: str, msg: Any) -> None:
        """Take a frame."""
        window = self._parts.window
        self._take(
            camera, msg, lambda stamp_ns: window.push_image(camera, stamp_ns, image_from_msg(msg))
        )
        self._wake()

    def joints(self, msg: Any) -> None:
        """Take joint positions; they are there before the images that they belong to."""
        facts, window = self._parts.manifest, self._parts.window
        self._take_numbers(JOINTS, msg, facts.joint_names, window.push_joints)

    def state(self, msg: Any) -> None:
        """Take what else was measured."""
        facts, window = self._parts.manifest, self._parts.window
        self._take_numbers(STATE, msg, facts.state, window.push_state)
        self._wake()

    def was_shown_again(self, stamp_ns: int) -> bool:
        """Say whether samples of that time came once more; True once for each time they did."""
        if stamp_ns != self._shown_again_ns:
            return False
        self._shown_again_ns = 0
        return True

    def _take_numbers(
        self, name: str, msg: Any, names: Sequence[str], push: Callable[[int, Any], bool]
    ) -> None:
        self._take(name, msg, lambda stamp_ns: push(stamp_ns, joint_state_to_array(msg, names)))

    def _take(self, name: str, msg: Any, push: Callable[[int], bool]) -> None:
        stream, stamp_ns = self._parts.streams[name], stamp_to_ns(msg.header.stamp)
        if not stream.accepts(stamp_ns, self._now_ns()):
            return
        try:
            # A repetition means, in lockstep, that the answer to this time was not heard.
            if not push(stamp_ns):
                self._shown_again_ns = stamp_ns
        except DpAccelError as error:
            if stream.refuse(str(error)):
                self._complain(f"{name}: {error}")
