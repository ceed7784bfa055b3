# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Live sensor samples, aligned in time as the windows that the policy was trained on.

    control steps         now - (To-1) dt   ...   now - dt      now = newest stamp of all that lead
    camera (each), state  nearest sample          nearest       nearest within dt / 2
    joints                newest sample at or before each control step

Cameras and the state lead: they say when there is something new. Steps before each of them had its
first sample repeat what was seen then.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.chunk import NS_PER_S
from dp_accel_ros.errors import ConfigError, NotFiniteError, ShapeError, UnknownNameError
from dp_accel_ros.observation import Observation
from dp_accel_ros.observe.image import resize_rgb

SLACK_NS = 500_000
"""Joints stamped up to this much after an image still count as taken with it: clock rounding."""

HISTORY_S = 1.0
"""How late a camera may be against the others and still find samples of its time."""

STATE = "state"
"""Name of the stream of what else is measured, among those of the cameras."""


class Reason(StrEnum):
    """Why there is no observation."""

    NO_IMAGES = "no_images"
    NO_STATE = "no_state"
    NO_JOINTS = "no_joints"
    STREAMS_APART = "streams_apart"
    JOINTS_LATE = "joints_late"


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no observation, and why."""

    reason: Reason
    text: str


class _Stream:
    """Samples of one sensor in the order of their stamps, not older than `span_ns`."""

    def __init__(self, span_ns: int) -> None:
        self.stamps: list[int] = []
        self.samples: list[NDArray[Any]] = []
        self._span_ns = span_ns

    def insert(self, stamp_ns: int, sample: NDArray[Any]) -> bool:
        """Keep a sample; False when it is older than the span or its stamp is already there."""
        if self.stamps and stamp_ns < self.stamps[-1] - self._span_ns:
            return False
        # Nearly always the end; a sample that was delayed on its way still finds its place.
        at = bisect_left(self.stamps, stamp_ns)
        if at < len(self.stamps) and self.stamps[at] == stamp_ns:
            return False
        self.stamps.insert(at, stamp_ns)
        self.samples.insert(at, sample)
        n_old = bisect_left(self.stamps, self.stamps[-1] - self._span_ns)
        del self.stamps[:n_old], self.samples[:n_old]
        return True

    def nearest(self, stamp_ns: int) -> int:
        """Return the place of the sample nearest in time; of two as near, the older."""
        at = bisect_left(self.stamps, stamp_ns)
        around = [place for place in (at - 1, at) if 0 <= place < len(self.stamps)]
        return min(around, key=lambda place: abs(self.stamps[place] - stamp_ns))

    def at_or_before(self, stamp_ns: int) -> int:
        """Return the place of the newest sample at or before a stamp, or else of the oldest."""
        return max(0, bisect_right(self.stamps, stamp_ns) - 1)


class ObservationWindow:
    """Collects samples and hands out the newest `n_obs_steps` control steps of all of them.

    Sensor callbacks push, the inference thread calls `latest`; one lock guards both. Samples may
    come late and out of order. What is pushed is copied.
    """

    def __init__(
        self,
        *,
        joint_names: Sequence[str],
        camera_names: Sequence[str],
        n_obs_steps: int,
        dt: float,
        image_size: Mapping[str, tuple[int, int]],
        state_names: Sequence[str] = (),
        tolerance_s: float | None = None,
        max_joint_age_s: float | None = None,
    ) -> None:
        """Start empty.

        Args:
            joint_names: The joints in the order of `push_joints`.
            camera_names: The cameras that an observation needs.
            n_obs_steps: Control steps in an observation (To).
            dt: Time between control steps, in s.
            image_size: Height and width of each camera's frames in the observation.
            state_names: What else an observation needs, in the order of `push_state`.
            tolerance_s: How far the newest samples of cameras and state may be apart, in s;
                `dt` / 2 if None.
            max_joint_age_s: How much older than those joints may be, in s; `dt` if None.
        """
        if n_obs_steps < 1 or dt <= 0 or not (camera_names or state_names):
            got = f"{n_obs_steps}, {dt}, {len(camera_names)} cameras and no state"
            rule = "`n_obs_steps` >= 1, `dt` > 0 and a camera or a state"
            raise ConfigError(f"expected {rule}, got {got}")
        if set(camera_names) - set(image_size):
            missing = ", ".join(sorted(set(camera_names) - set(image_size)))
            raise ConfigError(f"`image_size` lacks {missing}")
        self._joint_names, self._state_names = tuple(joint_names), tuple(state_names)
        self._image_size = {name: image_size[name] for name in camera_names}
        self._offsets_ns = [round(-back * dt * NS_PER_S) for back in range(n_obs_steps)][::-1]
        self._tolerance_ns = round((dt / 2 if tolerance_s is None else tolerance_s) * NS_PER_S)
        joint_age_s = dt if max_joint_age_s is None else max_joint_age_s
        self._max_joint_age_ns = round(joint_age_s * NS_PER_S)
        self._span_ns = round(HISTORY_S * NS_PER_S) - self._offsets_ns[0]
        self._lock = Lock()
        self.reset()

    def reset(self) -> None:
        """Forget every sample, as at the start of an episode."""
        with self._lock:
            names = [*self._image_size, *([STATE] if self._state_names else [])]
            self._leading = {name: _Stream(self._span_ns) for name in names}
            self._joints = _Stream(self._span_ns)

    def push_image(self, camera: str, stamp_ns: int, image: NDArray[np.uint8]) -> bool:
        """Take an RGB frame (H, W, 3) of any size; False when it is too old or a repetition."""
        if camera not in self._image_size:
            raise UnknownNameError("camera", camera, self._image_size)
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise ShapeError(
                f"image of {camera!r}", "uint8 (H, W, 3)", f"{image.dtype} {image.shape}"
            )
        resized = resize_rgb(image, *self._image_size[camera])
        # The caller may use its buffer again; a resized frame is a copy already. Both are done
        # before the lock is taken, because the inference thread waits for it.
        sample = image.copy() if resized is image else resized
        with self._lock:
            return self._leading[camera].insert(stamp_ns, sample)

    def push_joints(self, stamp_ns: int, positions: NDArray[np.floating]) -> bool:
        """Take joint positions (Dj,); False when they are too old or a repetition."""
        sample = _numbers("joint positions", positions, len(self._joint_names))
        with self._lock:
            return self._joints.insert(stamp_ns, sample)

    def push_state(self, stamp_ns: int, state: NDArray[np.floating]) -> bool:
        """Take what else was measured, (S,); False when it is too old or a repetition."""
        if not self._state_names:
            raise UnknownNameError("stream", STATE, self._image_size)
        sample = _numbers("state", state, len(self._state_names))
        with self._lock:
            return self._leading[STATE].insert(stamp_ns, sample)

    def newest_stamp_ns(self) -> int | None:
        """Return the stamp that the next observation would have, or None without one."""
        with self._lock:
            return self._newest_common_stamp()

    def latest(self) -> Observation | Missing:
        """Return the newest observation, or why there is none."""
        with self._lock:
            stamp_ns = self._newest_common_stamp()
            missing = self._missing(stamp_ns)
            if stamp_ns is None or missing is not None:
                return missing or Missing(Reason.NO_IMAGES, "nothing seen yet")
            # From here on all leading streams have something; earlier steps repeat what it was.
            begin_ns = max(stream.stamps[0] for stream in self._leading.values())
            steps = [max(stamp_ns + offset, begin_ns) for offset in self._offsets_ns]
            seen = {
                name: [stream.samples[stream.nearest(step)] for step in steps]
                for name, stream in self._leading.items()
            }
            joints = self._joints
            positions = [joints.samples[joints.at_or_before(step + SLACK_NS)] for step in steps]
        # After the lock: samples are never written to, and stacking images takes a while.
        state = np.stack(seen.pop(STATE)) if STATE in seen else None
        images = {name: np.stack(samples) for name, samples in seen.items()}
        return Observation(stamp_ns, images, np.stack(positions), state)

    def _newest_common_stamp(self) -> int | None:
        """Return the newest stamp of any leading stream at which all of them have a sample."""
        stamps = {stamp for stream in self._leading.values() for stamp in stream.stamps}
        return next((s for s in sorted(stamps, reverse=True) if self._all_at(s)), None)

    def _all_at(self, stamp_ns: int) -> bool:
        return all(
            stream.stamps
            and abs(stream.stamps[stream.nearest(stamp_ns)] - stamp_ns) <= self._tolerance_ns
            for stream in self._leading.values()
        )

    def _missing(self, stamp_ns: int | None) -> Missing | None:
        silent = [name for name, stream in self._leading.items() if not stream.stamps]
        if silent == [STATE]:
            return Missing(Reason.NO_STATE, "no state yet")
        if silent:
            return Missing(Reason.NO_IMAGES, f"no image yet from {', '.join(silent)}")
        if not self._joints.stamps:
            return Missing(Reason.NO_JOINTS, "no joint positions yet")
        if stamp_ns is None:
            newest = {name: stream.stamps[-1] for name, stream in self._leading.items()}
            text = f"no samples within {self._tolerance_ns / 1e6:g} ms of each other: {newest}"
            return Missing(Reason.STREAMS_APART, text)
        place = self._joints.at_or_before(stamp_ns + SLACK_NS)
        age_ns = stamp_ns - self._joints.stamps[place]
        if age_ns > self._max_joint_age_ns:
            than = "images" if self._image_size else "state"
            text = f"joints are {age_ns / 1e6:g} ms older than the newest {than}"
            return Missing(Reason.JOINTS_LATE, text)
        return None


def _numbers(what: str, values: NDArray[np.floating], size: int) -> NDArray[np.float32]:
    """Return a copy of some measured numbers, (D,), or raise where they cannot be used."""
    sample = np.array(values, dtype=np.float32)
    if sample.shape != (size,):
        raise ShapeError(what, f"({size},)", sample.shape)
    bad = ~np.isfinite(sample)
    if bad.any():
        raise NotFiniteError(what, int(bad.sum()), bad.size)
    return sample
