# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A seven-joint arm with a parallel gripper as MJCF text: Franka kinematics, primitive shapes.

Link frames are those of the published Denavit-Hartenberg table, so joint values mean the same
as on the real arm. Nothing is read from disk: every link is a capsule, a cylinder or a box.
"""

from __future__ import annotations

from dp_accel_ros.sim.base import JointSpec

JOINTS = (
    JointSpec("joint1", "rad", -2.8973, 2.8973, 2.175),
    JointSpec("joint2", "rad", -1.7628, 1.7628, 2.175),
    JointSpec("joint3", "rad", -2.8973, 2.8973, 2.175),
    JointSpec("joint4", "rad", -3.0718, -0.0698, 2.175),
    JointSpec("joint5", "rad", -2.8973, 2.8973, 2.61),
    JointSpec("joint6", "rad", -0.0175, 3.7525, 2.61),
    JointSpec("joint7", "rad", -2.8973, 2.8973, 2.61),
    JointSpec("finger_joint", "m", 0.0, 0.04, 0.1),
)
"""The actuated joints; `finger_joint` is half the opening, the other finger mirrors it."""

HOME = (0.0, 0.03, 0.0, -2.45, 0.0, 2.48, 0.7854, 0.04)
"""Where an episode starts: hand down, fingertips about 17 cm above the work area."""

TIP_SITE = "tip"
"""The site between the fingertips: z leaves the hand, y is the direction the fingers close in."""

SERVO_LAG_S = 0.06
"""Time by which a servo trails a moving target."""

_STIFFNESS = (2400.0, 2400.0, 1600.0, 1600.0, 400.0, 400.0, 300.0)
_TORQUE = (87.0, 87.0, 87.0, 87.0, 24.0, 24.0, 24.0)
_ARMATURE = (0.4, 0.4, 0.3, 0.3, 0.08, 0.08, 0.06)

_LINKS: tuple[tuple[str, str], ...] = (
    (
        'pos="0 0 0.333"',
        """
        <geom class="shell" type="capsule" fromto="0 0 -0.20 0 0 -0.045" size="0.062" mass="3"/>
        <geom class="joint" type="cylinder" fromto="0 -0.075 0 0 0.075 0" size="0.062"/>
        <geom class="ring" type="cylinder" fromto="0 0 -0.202 0 0 -0.190" size="0.068"/>""",
    ),
    (
        'quat="1 -1 0 0"',
        """
        <geom class="shell" type="capsule" fromto="0 -0.03 0 0 -0.17 0" size="0.059" mass="3"/>
        <geom class="ring" type="cylinder" fromto="0 -0.216 0 0 -0.204 0" size="0.059"/>""",
    ),
    (
        'pos="0 -0.316 0" quat="1 1 0 0"',
        """
        <geom class="shell" type="capsule" fromto="0 0 -0.085 0 0 -0.02" size="0.057" mass="2"/>
        <geom class="shell" type="capsule" fromto="0 0 -0.02 0.0825 0 0" size="0.052" mass="1"/>
        <geom class="joint" type="cylinder" fromto="0.0825 -0.070 0 0.0825 0.070 0"
              size="0.054"/>""",
    ),
    (
        'pos="0.0825 0 0" quat="1 1 0 0"',
        """
        <geom class="shell" type="capsule" fromto="0 0 0 -0.0825 0.06 0" size="0.051" mass="2"/>
        <geom class="shell" type="capsule" fromto="-0.0825 0.06 0 -0.0825 0.12 0" size="0.052"
              mass="1"/>
        <geom class="ring" type="cylinder" fromto="-0.0825 0.158 0 -0.0825 0.17 0"
              size="0.053"/>""",
    ),
    (
        'pos="-0.0825 0.384 0" quat="1 -1 0 0"',
        """
        <geom class="shell" type="capsule" fromto="0 0 -0.21 0 0 -0.04" size="0.047" mass="2"/>
        <geom class="joint" type="cylinder" fromto="0 -0.062 0 0 0.062 0" size="0.047"/>""",
    ),
    (
        'quat="1 1 0 0"',
        """
        <geom class="shell" type="capsule" fromto="0 0 0 0.07 0 0" size="0.043" mass="1"/>
        <geom class="joint" type="cylinder" fromto="0.088 0 -0.052 0.088 0 0.045"
              size="0.046"/>""",
    ),
    (
        'pos="0.088 0 0" quat="1 1 0 0"',
        """
        <geom class="shell" type="cylinder" fromto="0 0 0.045 0 0 0.09" size="0.042" mass="0.6"/>
        <geom class="ring" type="cylinder" fromto="0 0 0.09 0 0 0.107" size="0.034"/>""",
    ),
)


def arm_defaults() -> str:
    """Return the MJCF defaults of the arm's looks and contacts."""
    return """
    <default class="arm">
      <geom contype="0" conaffinity="0" mass="0"/>
      <default class="shell"><geom material="shell"/></default>
      <default class="joint"><geom material="graphite"/></default>
      <default class="ring"><geom material="accent"/></default>
      <default class="touch">
        <geom contype="2" conaffinity="4" condim="4" friction="1.6 0.02 0.0002"
              solref="0.006 1" solimp="0.95 0.99 0.001"/>
      </default>
    </default>"""


def arm_assets() -> str:
    """Return the MJCF materials of the arm."""
    return """
    <material name="shell" rgba="0.93 0.94 0.95 1" specular="0.35" shininess="0.55"/>
    <material name="graphite" rgba="0.15 0.16 0.19 1" specular="0.4" shininess="0.5"/>
    <material name="accent" rgba="0.10 0.55 0.62 1" specular="0.4" shininess="0.5"/>
    <material name="pad" rgba="0.27 0.29 0.33 1" specular="0.1" shininess="0.1"/>"""


def arm_body() -> str:
    """Return the MJCF body tree of the arm, its base at the origin of the world."""
    opening = '<body name="link0" childclass="arm" gravcomp="1">' + _BASE
    for index, (frame, geoms) in enumerate(_LINKS):
        joint = JOINTS[index]
        opening += f"""
      <body name="link{index + 1}" {frame} gravcomp="1">
        <joint name="{joint.name}" range="{joint.lower} {joint.upper}"
               armature="{_ARMATURE[index]}" damping="0.5"/>{geoms}"""
    return opening + _hand() + "</body>" * (len(_LINKS) + 1)


def arm_equality() -> str:
    """Return the MJCF constraint that lets the second finger mirror the first."""
    return """
    <joint joint1="finger_mirror" joint2="finger_joint" solref="0.004 1"
           solimp="0.95 0.99 0.001"/>"""


def arm_actuators() -> str:
    """Return the MJCF position servos, one per joint and in the order of `JOINTS`."""
    servos = ""
    for joint, kp, torque in zip(JOINTS[:7], _STIFFNESS, _TORQUE, strict=True):
        servos += f"""
    <position name="{joint.name}" joint="{joint.name}" kp="{kp}" kv="{kp * SERVO_LAG_S}"
              ctrlrange="{joint.lower} {joint.upper}" forcerange="{-torque} {torque}"/>"""
    return (
        servos
        + """
    <position name="finger_joint" joint="finger_joint" kp="2000" kv="100" ctrlrange="0 0.04"
              forcerange="-40 40"/>"""
    )


_BASE = """
      <geom class="shell" type="cylinder" fromto="0 0 0.012 0 0 0.13" size="0.073" mass="3"/>
      <geom class="shell" type="box" pos="-0.075 0 0.045" size="0.07 0.055 0.034"/>
      <geom class="joint" type="cylinder" fromto="0 0 0 0 0 0.014" size="0.098"/>"""


def _hand() -> str:
    """Return the hand with its camera and fingers, a child of the last link."""
    return f"""
      <body name="hand" pos="0 0 0.107" quat="0.9238795 0 0 -0.3826834" gravcomp="1">
        <geom class="shell" type="box" pos="0 0 0.036" size="0.026 0.098 0.024" mass="0.6"/>
        <geom class="joint" type="box" pos="0 0 0.006" size="0.030 0.060 0.010"/>
        <geom class="touch" type="box" pos="0 0 0.061" size="0.022 0.090 0.004"
              material="graphite"/>
        <geom class="joint" type="box" pos="0.062 0 0.022" size="0.012 0.022 0.012"
              euler="0 -0.33 0"/>
        <geom class="joint" type="box" pos="0.038 0 0.020" size="0.018 0.010 0.007"/>
        <camera name="wrist" pos="0.072 0 0.028" xyaxes="0 1 0 0.946 0 0.324" fovy="68"/>
        <site name="{TIP_SITE}" pos="0 0 0.1034" size="0.004" rgba="0 0 0 0"/>
        {_finger("finger_joint", "left", 1)}
        {_finger("finger_mirror", "right", -1)}
      </body>"""


def _finger(joint: str, name: str, side: int) -> str:
    """Return one finger, whose pad lies at the joint's value from the middle of the hand."""
    limits = "0 0.04" if side > 0 else "-0.0005 0.0405"
    return f"""
        <body name="{name}_finger" pos="0 0 0.0584" gravcomp="1">
          <joint name="{joint}" type="slide" axis="0 {side} 0" range="{limits}" armature="0.6"
                 damping="5"/>
          <geom class="joint" type="box" pos="0 {side * 0.013} 0.014" size="0.010 0.009 0.016"
                mass="0.03"/>
          <geom class="touch" type="box" pos="0 {side * 0.006} 0.0405" size="0.0095 0.006 0.0135"
                material="pad" mass="0.02"/>
        </body>"""
