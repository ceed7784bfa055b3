# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The room around the arm as MJCF text: table, lights, cameras, and what a task puts on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dp_accel_ros.sim.arm import arm_actuators, arm_assets, arm_body, arm_defaults, arm_equality

FILM_CAMERA = "film"
"""A wide view for people; the policy never sees it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A cube that the arm can move."""

    name: str
    rgb: tuple[float, float, float]
    half_size: float = 0.02
    """Half the length of an edge, m."""
    mass: float = 0.06
    """Mass, kg."""
    sliding_friction: float = 1.0
    slippery: bool = False
    """Whether `sliding_friction` counts against everything, rather than the rougher of two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A flat coloured mark on the table that nothing collides with."""

    name: str
    rgb: tuple[float, float, float]
    half_size: float
    """Radius of a disc or half the side of a square, m."""
    shape: str = "cylinder"
    """`cylinder` for a disc, `box` for a square."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Where a fixed camera stands and what it looks at."""

    eye: tuple[float, float, float] = (1.02, 0.0, 0.50)
    """Position in the base frame, m."""
    target: tuple[float, float, float] = (0.475, 0.0, 0.075)
    """Point in the middle of the image, m."""
    fovy_deg: float = 27.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What stands on the table of one task."""

    blocks: tuple[Block, ...]
    marks: tuple[Mark, ...] = ()
    front: View = View()

    def mjcf(self, physics_dt: float) -> str:
        """Return the whole model, stepped by `physics_dt` seconds, as MJCF text."""
        blocks = "".join(_block(block) for block in self.blocks)
        marks = "".join(_mark(mark) for mark in self.marks)
        return f"""
<mujoco model="dp_accel_arm">
  <compiler angle="radian" autolimits="true"/>
  <option timestep="{physics_dt}" integrator="implicitfast" cone="elliptic" impratio="10"/>
  <visual>
    <headlight ambient="0.34 0.34 0.36" diffuse="0.30 0.30 0.30" specular="0.08 0.08 0.08"/>
    <map znear="0.02" zfar="12" shadowscale="0.9"/>
  </visual>
  <default>{arm_defaults()}
  </default>
  <asset>{arm_assets()}{_ROOM_ASSETS}
  </asset>
  <worldbody>{_ROOM}{_camera("front", self.front)}{_camera(FILM_CAMERA, _FILM)}{marks}{blocks}
    {arm_body()}
  </worldbody>
  <equality>{arm_equality()}
  </equality>
  <actuator>{arm_actuators()}
  </actuator>
</mujoco>"""


_FILM = View(eye=(1.42, -1.02, 0.88), target=(0.29, 0.0, 0.245), fovy_deg=36.0)

_ROOM_ASSETS = """
    <texture name="sky" type="skybox" builtin="gradient" rgb1="0.86 0.89 0.93"
             rgb2="0.42 0.48 0.56" width="64" height="384"/>
    <material name="table" rgba="0.80 0.68 0.53 1" specular="0.12" shininess="0.25"/>
    <material name="edge" rgba="0.58 0.45 0.32 1" specular="0.1" shininess="0.2"/>
    <material name="floor" rgba="0.66 0.69 0.73 1" specular="0.05" shininess="0.1"
              reflectance="0.06"/>
    <material name="steel" rgba="0.32 0.34 0.38 1" specular="0.4" shininess="0.5"/>"""

_ROOM = """
    <light name="key" pos="1.1 -1.0 2.2" dir="-0.40 0.55 -1.35" directional="true"
           diffuse="0.46 0.44 0.41" specular="0.18 0.18 0.17"/>
    <light name="fill" pos="0.2 1.6 1.8" dir="0.15 -0.8 -0.9" directional="true"
           castshadow="false" diffuse="0.16 0.18 0.21" specular="0 0 0"/>
    <geom name="floor" type="plane" pos="0 0 -0.75" size="6 6 0.1" material="floor"
          contype="0" conaffinity="0"/>
    <geom name="table" type="box" pos="0.36 0 -0.02" size="0.58 0.62 0.02" material="table"
          contype="4" conaffinity="0" friction="1 0.005 0.0001"/>
    <geom name="table_edge" type="box" pos="0.36 0 -0.055" size="0.565 0.605 0.015"
          material="edge" contype="0" conaffinity="0"/>
    <geom name="pedestal" type="box" pos="0.36 0 -0.40" size="0.30 0.34 0.33" material="steel"
          contype="0" conaffinity="0"/>"""


def _block(block: Block) -> str:
    red, green, blue = block.rgb
    size = block.half_size
    return f"""
    <body name="{block.name}" pos="0.5 0 {size}">
      <freejoint name="{block.name}"/>
      <geom name="{block.name}" type="box" size="{size} {size} {size}" mass="{block.mass}"
            rgba="{red} {green} {blue} 1" contype="1" conaffinity="7" condim="4"
            priority="{int(block.slippery)}" friction="{block.sliding_friction} 0.005 0.0001" solref="0.006 1"
            solimp="0.95 0.99 0.001"/>
    </body>"""


def _mark(mark: Mark) -> str:
    red, green, blue = mark.rgb
    size = f"{mark.half_size} {mark.half_size} 0.0003"
    if mark.shape == "cylinder":
        size = f"{mark.half_size} 0.0003"
    return f"""
    <body name="{mark.name}" mocap="true" pos="0.5 0 0.0004">
      <geom name="{mark.name}" type="{mark.shape}" size="{size}" rgba="{red} {green} {blue} 1"
            contype="0" conaffinity="0"/>
    </body>"""


def _camera(name: str, view: View) -> str:
    right, up = look_at_axes(view.eye, view.target)
    axes = " ".join(f"{value:.6f}" for value in (*right, *up))
    eye = " ".join(str(value) for value in view.eye)
    return f"""
    <camera name="{name}" pos="{eye}" xyaxes="{axes}" fovy="{view.fovy_deg}"/>"""


def look_at_axes(
    eye: tuple[float, float, float], target: tuple[float, float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the right and up axes, (3,) each, of an upright camera at `eye` facing `target`."""
    forward = np.subtract(target, eye)
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    return right, np.cross(right, forward)
