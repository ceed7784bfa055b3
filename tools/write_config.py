# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Write `config/<node>.yaml` and `docs/parameters.md` from the config dataclasses.

A test says when that is needed.
"""

from __future__ import annotations

from pathlib import Path

from dp_accel_ros.nodes import policy_config, scheduler_config
from dp_accel_ros.nodes.param_files import document_text, yaml_text
from dp_accel_ros.sim.node_config import SimConfig

NODES: dict[str, dict[str, type]] = {
    "policy_node": policy_config.PARAMETERS,
    "scheduler_node": scheduler_config.PARAMETERS,
    "sim_node": {"": SimConfig},
}


def main() -> None:
    """Write every file."""
    root = Path(__file__).resolve().parents[1]
    for name, configs in NODES.items():
        path = root / "config" / f"{name}.yaml"
        path.write_text(yaml_text(name, configs), encoding="utf-8")
    (root / "docs" / "parameters.md").write_text(document_text(NODES), encoding="utf-8")


if __name__ == "__main__":
    main()
