# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""One frame of the demo's film: the scene, what both cameras saw, and what was going on.

+-----------------------------------------+
| title                           episode |
+---------------------------+-------------+
|                           | camera 1    |
|  the scene, for people    +-------------+
|                           | camera 2    |
+---------------------------+-------------+
| time   progress                   badge |
+-----------------------------------------+
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from matplotlib import font_manager
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from dp_accel_ros.sim.base import Image

SIZE = (664, 1032)
"""Height and width of a frame."""

SCENE_SIZE = (540, 720)
_MARGIN, _TOP, _SIDE = 16, 60, 264
_BACKGROUND, _INK, _FAINT = (17, 20, 27), (236, 239, 244), (136, 146, 160)
_ACCENT, _GOOD, _BAD = (38, 166, 184), (64, 186, 120), (222, 84, 84)


@dataclass(frozen=True, slots=True)
class Caption:
    """What a frame says in words."""

    title: str
    subtitle: str
    episode: str
    elapsed_s: float
    share: float
    """How much of the episode's time is over, from 0 to 1."""

    verdict: str
    """`success`, `failed`, or empty while it is open."""


def film_frame(scene: Image, cameras: Mapping[str, Image], caption: Caption) -> Image:
    """Return a frame, (664, 1032, 3), from the scene and the first two camera images."""
    canvas = Pillow.new("RGB", (SIZE[1], SIZE[0]), _BACKGROUND)
    canvas.paste(_scaled(scene, SCENE_SIZE), (_MARGIN, _TOP))
    draw = ImageDraw.Draw(canvas)
    left = 2 * _MARGIN + SCENE_SIZE[1] - 4
    for index, (name, image) in enumerate(list(cameras.items())[:2]):
        top = _TOP + index * (_SIDE + 12)
        canvas.paste(_scaled(image, (_SIDE, _SIDE)), (left, top))
        _tag(draw, (left, top), f"{name} camera, {image.shape[1]}x{image.shape[0]}")
    _header(draw, caption)
    _footer(draw, caption)
    return np.asarray(canvas)


def _header(draw: ImageDraw.ImageDraw, caption: Caption) -> None:
    draw.text((_MARGIN, 31), caption.title, _INK, _font(22, bold=True), anchor="lm")
    start = _MARGIN + draw.textlength(caption.title, _font(22, bold=True)) + 16
    draw.text((start, 32), caption.subtitle, _FAINT, _font(17), anchor="lm")
    draw.text((SIZE[1] - _MARGIN, 32), caption.episode, _INK, _font(17), anchor="rm")


def _footer(draw: ImageDraw.ImageDraw, caption: Caption) -> None:
    middle = (_TOP + SCENE_SIZE[0] + SIZE[0]) // 2
    draw.text((_MARGIN, middle), f"{caption.elapsed_s:5.2f} s", _INK, _font(22), anchor="lm")
    left, right = 120, SIZE[1] - _MARGIN - 140
    reached = left + max(6.0, (right - left) * min(1.0, caption.share))
    colour = {"success": _GOOD, "failed": _BAD}.get(caption.verdict, _ACCENT)
    draw.rounded_rectangle((left, middle - 3, right, middle + 3), 3, (42, 48, 60))
    draw.rounded_rectangle((left, middle - 3, reached, middle + 3), 3, colour)
    if caption.verdict:
        box = (SIZE[1] - _MARGIN - 116, middle - 17, SIZE[1] - _MARGIN, middle + 17)
        draw.rounded_rectangle(box, 17, colour)
        where = ((box[0] + box[2]) // 2, middle)
        draw.text(where, caption.verdict, (255, 255, 255), _font(17, bold=True), anchor="mm")


def _tag(draw: ImageDraw.ImageDraw, corner: tuple[int, int], text: str) -> None:
    width = draw.textlength(text, _font(13))
    x, y = corner
    draw.rectangle((x, y, x + width + 14, y + 22), _BACKGROUND)
    draw.text((x + 6, y + 11), text, _INK, _font(13), anchor="lm")


def _scaled(image: Image, size: tuple[int, int]) -> Pillow.Image:
    picture = Pillow.fromarray(image)
    if image.shape[:2] == size:
        return picture
    return picture.resize((size[1], size[0]), Pillow.Resampling.BICUBIC)


@cache
def _font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return matplotlib's own font, which is there wherever matplotlib is."""
    weight = "bold" if bold else "normal"
    properties = font_manager.FontProperties(family="DejaVu Sans", weight=weight)
    return ImageFont.truetype(font_manager.findfont(properties), size)
