# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Camera frames: from the wire to RGB, and to the size that the encoder was trained on."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.errors import DataError, ShapeError, UnknownNameError

Image = NDArray[np.uint8]
"""An RGB image, (H, W, 3)."""

ENCODINGS: dict[str, tuple[int, int | None]] = {
    "rgb8": (3, None),
    "bgr8": (3, cv2.COLOR_BGR2RGB),
    "rgba8": (4, cv2.COLOR_RGBA2RGB),
    "bgra8": (4, cv2.COLOR_BGRA2RGB),
    "mono8": (1, cv2.COLOR_GRAY2RGB),
}
"""`sensor_msgs/Image` encoding to bytes per pixel and OpenCV's conversion to RGB."""


def decode(
    data: bytes | bytearray | memoryview | NDArray[np.uint8],
    encoding: str,
    height: int,
    width: int,
    step: int = 0,
) -> Image:
    """Return a raw frame as RGB, (H, W, 3); `step` is bytes per row where rows are padded."""
    if encoding not in ENCODINGS:
        raise UnknownNameError("image encoding", encoding, ENCODINGS)
    channels, conversion = ENCODINGS[encoding]
    row_bytes = step or width * channels
    flat = np.frombuffer(data, dtype=np.uint8)
    if row_bytes < width * channels or flat.size < height * row_bytes:
        expected = f"{height} rows of {max(row_bytes, width * channels)} bytes for {encoding}"
        raise ShapeError("image data", expected, f"{flat.size} bytes in rows of {row_bytes}")
    rows = flat[: height * row_bytes].reshape(height, row_bytes)
    pixels = rows[:, : width * channels].reshape(height, width, channels)
    return pixels.copy() if conversion is None else _rgb(pixels, conversion)


def decode_compressed(data: bytes | bytearray | memoryview | NDArray[np.uint8]) -> Image:
    """Return a JPEG or PNG frame as RGB, (H, W, 3)."""
    flat = np.frombuffer(data, dtype=np.uint8)
    decoded = cv2.imdecode(flat, cv2.IMREAD_COLOR) if flat.size else None
    if decoded is None:
        raise DataError(f"compressed image: expected JPEG or PNG, got {flat.size} other bytes")
    return _rgb(decoded, cv2.COLOR_BGR2RGB)


def resize_rgb(image: Image, height: int, width: int) -> Image:
    """Return the image at another size by area averaging; the image itself when it fits."""
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _rgb(pixels: cv2.typing.MatLike, conversion: int) -> Image:
    return np.asarray(cv2.cvtColor(pixels, conversion), np.uint8)
