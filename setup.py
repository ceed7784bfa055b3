# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Build dp_accel_ros: by colcon for a ROS workspace, by pip for a virtual environment."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from setuptools import find_packages, setup

NAME = "dp_accel_ros"
SHARE = Path("share") / NAME

ROS = {
    "ros-rclpy[fastrtps]": "7.1.6",
    "ros-builtin-interfaces": "2.0.3",
    "ros-diagnostic-msgs": "5.3.6",
    "ros-geometry-msgs": "5.3.6",
    "ros-lifecycle-msgs": "2.0.3",
    "ros-rcl-interfaces": "2.0.3",
    "ros-rosgraph-msgs": "2.0.3",
    "ros-sensor-msgs": "5.3.6",
    "ros-std-msgs": "5.3.6",
    "ros-std-srvs": "5.3.6",
    "ros-trajectory-msgs": "5.3.6",
}
"""The pip wheels of ROS 2 Jazzy: exact, because the registry also has those of a later ROS."""

EPISODES = ["zarr>=2.16,<3", "numcodecs>=0.12,<0.16"]
"""What the data sets on disk need; zarr 2 does not work with a later numcodecs."""

EXTRAS = {
    "cpu": ["onnxruntime>=1.18,<2", "faiss-cpu>=1.8,<2"],
    "gpu": ["onnxruntime-gpu>=1.18,<2", "faiss-gpu-cu12>=1.8,<2"],
    "ros": [f"{name}=={version}" for name, version in ROS.items()],
    # exact, because a range lets pip take the newest build with gigabytes of CUDA beside it
    "train": [
        "torch==2.13.0",
        "onnx>=1.16,<2",
        "tqdm",
        "matplotlib>=3.8,<4",
        "gymnasium>=1.0,<2",
        "stable-baselines3>=2.9,<3",
        *EPISODES,
    ],
    "sim": ["mujoco>=3.3,<5", "matplotlib>=3.8,<4", "pillow>=10", "rich>=13,<16"],
    # what gym-pusht needs, without itself: it would bring a second OpenCV, one that needs libGL and
    # writes over the headless one. `pip install --no-deps gym-pusht==0.1.8` completes it.
    "pusht": ["gymnasium>=1.0,<2", "pymunk>=6.6,<7", "pygame>=2.5,<3", "shapely>=2,<3"],
    "test": [
        "colcon-core>=0.15",
        "colcon-python-setup-py>=0.2.9",
        "colcon-ros>=0.5",
        "diffusers>=0.30,<1",
        "matplotlib>=3.8,<4",
        "onnx>=1.16,<2",
        "pyright[nodejs]>=1.1.400",
        "pytest>=7.4",
        "pytest-timeout>=2.2",
        "rich>=13,<16",
        "rosbags>=0.10,<1",
        "ruff>=0.17",
        "scipy>=1.11,<2",
        "tqdm",
        *EPISODES,
    ],
}


def data_files() -> list[tuple[str, Sequence[str]]]:
    """Return (folder below the prefix, files) for all that is not Python, as ROS lays it out."""
    shared = [Path("package.xml")]
    for folder in ("launch", "config", "models"):
        found = sorted(path for path in Path(folder).rglob("*") if path.is_file())
        shared += [path for path in found if path.suffix != ".pyc"]
    files: list[tuple[str, Sequence[str]]] = [
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"])
    ]
    for folder, members in groupby(shared, key=lambda path: path.parent):
        files.append((str(SHARE / folder), [str(path) for path in members]))
    return files


setup(
    name=NAME,
    version="0.1.0",
    description="Accelerated diffusion policies for real-time robot control under ROS 2.",
    author="The dp_accel_ros Authors",
    maintainer="The dp_accel_ros Authors",
    maintainer_email="maintainers@dp-accel-ros.example",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={NAME: ["py.typed"]},
    data_files=data_files(),
    install_requires=[
        "numpy>=1.26,<3",
        # the headless build of the same cv2: the other one needs libGL and libxcb, which a robot
        # computer or a container has not, and we open no window
        "opencv-python-headless>=4.8.1,<6",
        "pydantic>=2.5,<3",
        "PyYAML>=6,<7",
    ],
    extras_require=EXTRAS,
    entry_points={
        "console_scripts": [
            f"dp-accel = {NAME}.cli.main:main",
            f"policy_node = {NAME}.nodes.policy_node:main",
            f"scheduler_node = {NAME}.nodes.scheduler_node:main",
            f"sim_node = {NAME}.nodes.sim_node:main",
        ],
    },
    zip_safe=False,
)
