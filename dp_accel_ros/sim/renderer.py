# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Camera images from a mujoco model, cheap for a policy or pretty for people."""

from __future__ import annotations

import os
import weakref

import mujoco

from dp_accel_ros.errors import SimulationError
from dp_accel_ros.sim.base import Image
from dp_accel_ros.sim.gl_backend import APT_LINE


class CameraRenderer:
    """Draws one image size of one model.

    An EGL context belongs to the thread that made it: make, use and close a renderer in one
    thread.

    Args:
        model: The model to draw.
        size: Height and width of the images.
        pretty: Draw shadows, reflections and smooth edges, at several times the cost.

    Raises:
        SimulationError: No OpenGL library can draw here; the message has the line that helps.
    """

    def __init__(
        self, model: mujoco.MjModel, size: tuple[int, int], *, pretty: bool = False
    ) -> None:
        # mujoco would look for a window system and end the process
        if not (os.environ.get("MUJOCO_GL") or os.environ.get("DISPLAY")):
            raise SimulationError(_no_gl_message("mujoco was imported before a choice was made"))
        _set_quality(model, size, pretty=pretty)
        try:
            self._renderer = mujoco.Renderer(model, *size)
        # mujoco raises whatever the GL loader of this machine raises: import, attribute, EGL errors
        except Exception as error:
            raise SimulationError(_no_gl_message(f"{type(error).__name__}: {error}")) from error
        # an interpreter that ends with the context open prints the errors of its own shutdown
        self._free = weakref.finalize(self, self._renderer.close)
        flags = self._renderer.scene.flags
        flags[mujoco.mjtRndFlag.mjRND_SHADOW] = pretty
        flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = pretty
        flags[mujoco.mjtRndFlag.mjRND_SKYBOX] = pretty

    def frame(self, data: mujoco.MjData, camera: str) -> Image:
        """Return what `camera` sees, (H, W, 3), an array of its own."""
        self._renderer.update_scene(data, camera)
        return self._renderer.render().copy()

    def close(self) -> None:
        """Free the graphics context; closing twice is harmless."""
        self._free()


def _set_quality(model: mujoco.MjModel, size: tuple[int, int], *, pretty: bool) -> None:
    """Write into the model what the graphics context reads when it is made."""
    model.vis.global_.offheight, model.vis.global_.offwidth = size
    model.vis.quality.offsamples = 4 if pretty else 0
    model.vis.quality.shadowsize = 2048 if pretty else 0
    # drawing cost is in the vertices, pixels hardly matter at these sizes
    model.vis.quality.numslices = 32 if pretty else 16
    model.vis.quality.numstacks = 12 if pretty else 6


def _no_gl_message(problem: str) -> str:
    backend = os.environ.get("MUJOCO_GL") or "unset"
    return (
        f"cannot draw camera images with MUJOCO_GL {backend!r}: {problem}; expected a working OpenGL library,"
        f" which `{APT_LINE}` installs; then set MUJOCO_GL to osmesa, or unset it and import"
        " dp_accel_ros.sim before mujoco"
    )
