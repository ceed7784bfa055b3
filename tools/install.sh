#!/bin/sh
# Make .venv and install what one verb of the Makefile needs: tools/install.sh demo|test
#
# Where ROS is sourced its own rclpy and numpy are used and nothing of ROS is installed. Elsewhere
# the pip wheels of ROS 2 Jazzy are.
set -eu

role=$1
venv=.venv
# without compiling: an import compiles what it uses, which is a small part
pip="$venv/bin/python -m pip --disable-pip-version-check --no-input install -qq --no-compile"

python=$(tools/find_python.sh)
"$python" -c 'import ensurepip, venv' 2>/dev/null || tools/apt_install.sh python3-venv

# two OpenGL libraries draw without a screen; OSMesa is the smaller one to install
find_gl='from ctypes.util import find_library as f; import sys
sys.exit(not (f("OSMesa") or (f("EGL") and (f("OpenGL") or f("GL")))))'
if [ "$(uname -s)" = Linux ]; then
    "$python" -c "$find_gl" || tools/apt_install.sh libosmesa6
fi

if "$python" -c 'from rclpy.node import Node' 2>/dev/null; then
    ros="system ${ROS_DISTRO:-}"
else
    ros=pip
fi
# a venv made with the other kind of ROS would hold two rclpy
if [ -d "$venv" ] && [ "$(cat "$venv/.ros" 2>/dev/null)" != "$ros" ]; then
    rm -rf "$venv"
fi
if [ ! -x "$venv/bin/python" ]; then
    echo "Making $venv with $("$python" --version) ($python)"
    if [ "$ros" = pip ]; then
        "$python" -m venv "$venv"
    else
        "$python" -m venv --system-site-packages "$venv"
    fi
    echo "$ros" >"$venv/.ros"
fi

extras=cpu,sim
if [ "$ros" = pip ]; then
    extras=$extras,ros
    constraints=constraints.txt
else
    # ROS's compiled messages need the numpy they were built with, and pip then picks the rest
    constraints=$venv/constraints.txt
    "$python" -c 'import numpy; print(f"numpy=={numpy.__version__}")' >"$constraints"
fi

if [ "$role" = test ]; then
    extras=$extras,test,pusht
    if [ -z "${TORCH:-}" ]; then
        echo "Not installing torch: the tests that need it are skipped"
    elif $pip -c "$constraints" "$TORCH" 2>"$venv/torch.log"; then
        extras=$extras,train
    else
        echo "Not installing $TORCH: the package index here does not offer it."
        echo "The tests that need torch are skipped; to run them with the build that the index"
        echo "has, several gigabytes with CUDA, use: make test TORCH=torch==2.13.0"
    fi
fi

echo "Installing dp_accel_ros[$extras] into $venv"
$pip -c "$constraints" -e ".[$extras]"
if [ "$role" = test ]; then
    # without its dependencies: see the extra in setup.py
    $pip --no-deps gym-pusht==0.1.8 || echo "The tests that need gym-pusht are skipped"
fi
