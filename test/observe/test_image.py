# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Camera frames from the wire to the encoder's size."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dp_accel_ros.errors import DataError, ShapeError, UnknownNameError
from dp_accel_ros.observe.image import decode, decode_compressed, resize_rgb

RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)
WITH_ALPHA = np.concatenate([RGB, np.full((6, 8, 1), 9, np.uint8)], axis=2)
RAW = {
    "rgb8": RGB,
    "bgr8": RGB[..., ::-1],
    "rgba8": WITH_ALPHA,
    "bgra8": WITH_ALPHA[..., [2, 1, 0, 3]],
}


@pytest.mark.parametrize("encoding", RAW)
def test_every_colour_encoding_becomes_rgb(encoding: str):
    np.testing.assert_array_equal(decode(RAW[encoding].tobytes(), encoding, 6, 8), RGB)


def test_a_grey_frame_becomes_three_equal_channels():
    grey = RGB[..., 0]
    decoded = decode(grey.tobytes(), "mono8", 6, 8)
    np.testing.assert_array_equal(decoded, np.repeat(grey[..., None], 3, axis=2))


def test_bytes_that_pad_a_row_are_left_out():
    padded = np.zeros((6, 32), np.uint8)
    padded[:, :24] = RGB.reshape(6, 24)
    np.testing.assert_array_equal(decode(padded.tobytes(), "rgb8", 6, 8, step=32), RGB)


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8"])
def test_a_decoded_frame_is_a_copy(encoding: str):
    data = bytearray(RGB.tobytes())
    decoded = decode(data, encoding, 6, 8)
    before = decoded.copy()
    data[:] = bytes(len(data))
    np.testing.assert_array_equal(decoded, before)


def test_an_unknown_encoding_is_refused_with_the_known_ones():
    with pytest.raises(UnknownNameError, match="no image encoding named 'yuv422'; there are bgr8"):
        decode(b"", "yuv422", 6, 8)


def test_too_few_bytes_are_refused():
    with pytest.raises(ShapeError, match="expected 6 rows of 24 bytes for rgb8, got 143 bytes"):
        decode(RGB.tobytes()[:-1], "rgb8", 6, 8)


def test_rows_shorter_than_their_pixels_are_refused():
    with pytest.raises(ShapeError, match=r"24 bytes for rgb8, got .* in rows of 8"):
        decode(RGB.tobytes(), "rgb8", 6, 8, step=8)


def test_a_png_is_decoded_without_loss():
    png = cv2.imencode(".png", RGB[..., ::-1])[1].tobytes()
    np.testing.assert_array_equal(decode_compressed(png), RGB)


def test_a_jpeg_keeps_its_colours():
    red = np.tile(np.uint8([200, 30, 10]), (16, 16, 1))
    jpeg = cv2.imencode(".jpg", red[..., ::-1])[1].tobytes()
    assert np.abs(decode_compressed(jpeg).astype(int) - red).max() <= 4


@pytest.mark.parametrize("data", [b"", b"not an image"])
def test_bytes_that_are_no_image_are_refused(data: bytes):
    with pytest.raises(DataError, match="expected JPEG or PNG, got"):
        decode_compressed(data)


def test_an_image_that_fits_is_returned_itself():
    assert resize_rgb(RGB, 6, 8) is RGB


def test_shrinking_averages_areas():
    blocks = RGB.reshape(3, 2, 4, 2, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(resize_rgb(RGB, 3, 4) - blocks).max() <= 0.5


def test_height_comes_before_width():
    assert resize_rgb(RGB, 3, 2).shape == (3, 2, 3)
