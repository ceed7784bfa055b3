# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The lifecycle, written once: one setup, one teardown, and no failure without a word."""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable

from lifecycle_msgs.msg import State
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from dp_accel_ros.errors import DpAccelError
from dp_accel_ros.nodes.entities import Entities
from dp_accel_ros.nodes.params import Parameters

SUCCESS, FAILURE, ERROR = (
    TransitionCallbackReturn.SUCCESS,
    TransitionCallbackReturn.FAILURE,
    TransitionCallbackReturn.ERROR,
)


class ManagedNode(LifecycleNode, ABC):
    """A node that is set up, begins, ends and is taken down, each in one place.

    rclpy drops the exceptions of transitions without a word; here they are logged.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.declared = Parameters(self)
        self.entities = Entities(self)

    @abstractmethod
    def set_up(self) -> None:
        """Load, check, warm up and connect; what was made is undone by `take_down`."""

    @abstractmethod
    def begin(self) -> None:
        """Start to work; publishers speak from now on."""

    @abstractmethod
    def end(self) -> None:
        """Stop the work, then send the last safe command; whatever has begun, and twice too."""

    @abstractmethod
    def take_down(self) -> None:
        """Undo `set_up`, however far it came."""

    def now_ns(self) -> int:
        """Return the time on the clock that stamps the observations, in ns."""
        return self.get_clock().now().nanoseconds

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Set up, or leave nothing behind."""
        if self._tried("configure", self.set_up):
            return super().on_configure(state)
        self._tried("clean up", self._undo)
        return FAILURE

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let publishers speak and begin."""
        # Publishers are silent until this; whatever `begin` starts may publish at once.
        result = super().on_activate(state)
        if self._tried("activate", self.begin):
            return result
        self._tried("deactivate", self.end)
        super().on_deactivate(state)
        return FAILURE

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """End while publishers can still speak."""
        ended = self._tried("deactivate", self.end)
        result = super().on_deactivate(state)
        return result if ended else ERROR

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Take down."""
        return SUCCESS if self._tried("clean up", self._undo) else ERROR

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Take down from whatever state."""
        return SUCCESS if self._tried("shut down", self._undo) else ERROR

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Take down, so that the node can be configured again."""
        return SUCCESS if self._tried("recover", self._undo) else ERROR

    def shut_down(self) -> None:
        """Go through the transitions that are left, whatever the state."""
        if self._state_id() == State.PRIMARY_STATE_ACTIVE:
            self.trigger_deactivate()
        if self._state_id() == State.PRIMARY_STATE_INACTIVE:
            self.trigger_cleanup()

    def _undo(self) -> None:
        self.end()
        self.entities.clear()
        self.take_down()

    def _tried(self, what: str, action: Callable[[], None]) -> bool:
        try:
            action()
        except DpAccelError as error:
            self.get_logger().error(f"cannot {what}: {error}")
        except Exception:  # noqa: BLE001  a transition ends here, and rclpy would hide it
            self.get_logger().error(f"cannot {what}:\n{traceback.format_exc()}")
        else:
            return True
        return False

    def _state_id(self) -> int:
        # rclpy offers the state as a service only
        return self._state_machine.current_state[0]
