# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Choice of the OpenGL library, which has to be made before mujoco is imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Container, MutableMapping
from ctypes.util import find_library

APT_LINE = "apt-get install --no-install-recommends libosmesa6"
"""The one line that makes headless rendering work on a bare Debian or Ubuntu."""


def choose_gl_backend(
    environ: MutableMapping[str, str] = os.environ,
    find: Callable[[str], str | None] = find_library,
    imported: Container[str] = sys.modules,
) -> None:
    """Set `MUJOCO_GL` to a backend that exists here, unless the user has set it."""
    # llvmpipe would otherwise use every core for images of 96 pixels and starve the policy
    environ.setdefault("LP_NUM_THREADS", "1")
    # mujoco reads the choice when it is imported; one that comes later crashes the process
    if environ.get("MUJOCO_GL") or "mujoco" in imported:
        return
    # software first: a policy sees the same pixels on every machine, and any thread may draw
    if find("OSMesa"):
        environ["MUJOCO_GL"] = "osmesa"
    # libEGL without libGL or libOpenGL loads but cannot create a context
    elif find("EGL") and (find("OpenGL") or find("GL")):
        environ["MUJOCO_GL"] = "egl"
    elif not environ.get("DISPLAY"):
        environ["MUJOCO_GL"] = "disable"
