# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A video file from frames, with what OpenCV's wheels can encode without further packages."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2

from dp_accel_ros.errors import BackendError
from dp_accel_ros.sim.base import Image

ENCODERS = (("webm", "VP80"), ("mp4", "mp4v"))
"""Endings and codecs in the order of preference; browsers play VP8, but not MPEG-4 part 2."""


class VideoWriter:
    """Writes RGB frames of one size; a context manager that closes the file.

    Args:
        path: The file without its ending, which depends on the codec found here.
        size: Height and width, both even.
        rate_hz: Frames per second.

    Raises:
        BackendError: This OpenCV can write none of `ENCODERS`.
    """

    def __init__(self, path: Path, size: tuple[int, int], rate_hz: float) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        for ending, codec in ENCODERS:
            self.path = path.with_suffix(f".{ending}")
            fourcc = cv2.VideoWriter.fourcc(*codec)
            with _quiet_stderr():
                self._writer = cv2.VideoWriter(str(self.path), fourcc, rate_hz, size[::-1])
            if self._writer.isOpened():
                return
        tried = ", ".join(codec for _, codec in ENCODERS)
        raise BackendError(f"cannot write {path}: OpenCV {cv2.__version__} has none of {tried}")

    def write(self, frame: Image) -> None:
        """Append a frame, (H, W, 3) RGB."""
        self._writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.release()


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Hide what the encoder's C code writes about tags that do not matter."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as sink:
        os.dup2(sink.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
