# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys

import pytest

pytest.importorskip("mujoco")

from dp_accel_ros.sim.gl_backend import choose_gl_backend


def chosen(libraries: set[str], imported: tuple[str, ...] = (), **environ: str) -> dict[str, str]:
    """Return the environment after the choice on a machine with `libraries`."""
    choose_gl_backend(
        environ, lambda name: f"lib{name}.so" if name in libraries else None, imported
    )
    return environ


@pytest.mark.parametrize(
    ("libraries", "backend"),
    [
        ({"EGL", "GL", "OSMesa"}, "osmesa"),
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


def test_nothing_is_chosen_once_mujoco_has_read_the_choice():
    assert "MUJOCO_GL" not in chosen({"OSMesa"}, imported=("mujoco",))


def refusal(first_import: str, **changed: str) -> str:
    """Return what a fresh process says when it is asked for images."""
    code = (
        f"import {first_import}\n"
        "from dp_accel_ros.errors import SimulationError\n"
        "from dp_accel_ros.sim import TASKS\n"
        "try:\n"
        "    TASKS['lift']().images()\n"
        "except SimulationError as error:\n"
        "    print(error)\n"
    )
    environ = dict(os.environ, DISPLAY="", **changed)
    return subprocess.check_output([sys.executable, "-c", code], env=environ, text=True)


def test_a_machine_that_cannot_draw_is_told_what_to_install():
    message = refusal("dp_accel_ros", MUJOCO_GL="disable")
    assert "cannot draw camera images with MUJOCO_GL 'disable'" in message
    assert "apt-get install --no-install-recommends libosmesa6" in message


def test_importing_mujoco_first_is_an_error_and_not_a_crash():
    assert "mujoco was imported before a choice was made" in refusal("mujoco", MUJOCO_GL="")
