#!/bin/sh
# Print the interpreter to build .venv with: at least 3.11, and under a sourced ROS the one whose
# rclpy it is.
set -eu

usable() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || return 1
    [ -z "${ROS_DISTRO:-}" ] || "$1" -c 'from rclpy.node import Node' 2>/dev/null
}

# 3.14 is left out: neither the ROS wheels nor every other wheel is built for it yet
for name in ${PYTHON:-python3 python3.12 python3.11 python3.13}; do
    # the interpreter behind a shim, a link or an active venv, which may itself be .venv
    python=$("$name" -c 'import sys; print(sys._base_executable)' 2>/dev/null) || continue
    if usable "$python"; then
        echo "$python"
        exit
    fi
done

{
    echo "No usable Python found (tried: ${PYTHON:-python3 python3.12 python3.11 python3.13})."
    echo "Needed is Python 3.11 or newer${ROS_DISTRO:+ that can import rclpy of ROS $ROS_DISTRO};"
    echo "name one with: make PYTHON=/path/to/python3"
} >&2
exit 1
