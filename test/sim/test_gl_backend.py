# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import pytest

from dp_accel_ros.sim.gl_backend import choose_gl_backend


def chosen(libraries: set[str], **environ: str) -> dict[str, str]:
    choose_gl_backend(environ, lambda name: f"lib{name}.so" if name in libraries else None)
    return environ


@pytest.mark.parametrize(
    ("libraries", "backend"),
    [
        ({"EGL", "GL", "OSMesa"}, "egl"),
        ({"EGL", "OpenGL"}, "egl"),
        ({"EGL", "OSMesa"}, "osmesa"),
        ({"OSMesa"}, "osmesa"),
        ({"EGL"}, "disable"),
        (set(), "disable"),
    ],
)
def test_the_backend_is_one_that_the_libraries_here_can_serve(libraries, backend):
    assert chosen(libraries)["MUJOCO_GL"] == backend


def test_what_the_user_set_stays():
    environ = chosen({"EGL", "GL"}, MUJOCO_GL="osmesa", LP_NUM_THREADS="4")
    assert environ == {"MUJOCO_GL": "osmesa", "LP_NUM_THREADS": "4"}


def test_a_desktop_without_headless_libraries_keeps_its_window_system():
    assert "MUJOCO_GL" not in chosen(set(), DISPLAY=":0")


def test_software_rendering_is_kept_to_one_core():
    assert chosen({"OSMesa"})["LP_NUM_THREADS"] == "1"
