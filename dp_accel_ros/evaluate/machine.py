# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Facts about the machine that a measurement is worthless without."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "dp_accel_ros",
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "torch",
    "mujoco",
    "opencv-python-headless",
    "opencv-python",
    "ros-rclpy",
)
"""Packages whose versions a report names, where they are installed."""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LP_NUM_THREADS")


def machine_facts() -> dict[str, Any]:
    """Return processor, cores, memory, load, versions and thread settings, ready for JSON."""
    return {
        "processor": _cpu_model(),
        **({"gpu": gpu} if (gpu := _gpu_model()) else {}),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "versions": _versions(),
        "environment": {k: os.environ[k] for k in THREAD_VARIABLES if k in os.environ},
    }


def machine_line(facts: dict[str, Any]) -> str:
    """Return the facts that matter for timing on one line."""
    load = facts["load_average"][0]
    gpu = f", {facts['gpu']}" if "gpu" in facts else ""
    return f"{facts['processor']}, {facts['cores']} cores{gpu}, load {load} when it began"


def peak_memory_mib() -> float:
    """Return the most memory that this process has had, MiB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10, 1)


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or "unknown"


@cache
def _gpu_model() -> str:
    """Return the first GPU with its driver's version, or an empty text where there is none."""
    query = ("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")
    try:
        told = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return next(iter(told.stdout.splitlines()), "").strip()


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
