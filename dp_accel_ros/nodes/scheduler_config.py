# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of scheduler_node."""

from __future__ import annotations

from dataclasses import dataclass

from dp_accel_ros import config
from dp_accel_ros.config import param
from dp_accel_ros.execute.execution_config import ExecutionConfig
from dp_accel_ros.nodes.decision import Decision
from dp_accel_ros.predict.speculation.scheduling import SCHEDULERS


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerNodeConfig:
    """What scheduler_node commands, and how evenly."""

    bundle: str = param(
        "", "Folder of the bundle; its joints, limits and control step are taken from there."
    )
    scheduler: str = param(
        "fixed",
        "Who plans the drafts of TS-DP; it counts where the policy's method is tsdp. `fixed` is "
        "nobody: the policy's parameters and `decision.settings` apply. `closed_form` asks for "
        "draft lengths from measured acceptance and batch costs. `ppo` runs the bundle's trained "
        "scheduler, which plans anew at every tick.",
        one_of=SCHEDULERS,
    )
    lockstep: bool = param(
        False,
        "Only with `use_sim_time`: at a time on /clock nothing is published until a chunk whose "
        "observation is less than `replan_steps` control steps old is there, so a simulation "
        "that waits for the command of each step also waits for the policy.",
    )
    replan_steps: int = param(
        0,
        "In lockstep, the policy's `replan_steps`. 0 means the bundle's `n_action_steps`.",
        minimum=0,
        maximum=1000,
    )
    align_ticks: bool = param(
        True,
        "Move the ticks within their period, by at most 0.4 ms a tick, to where chunks wait least "
        "for them. Helps when cameras run at the control rate.",
        live=True,
    )
    autostart: bool = param(
        True,
        "Configure and activate at start. If false, a lifecycle manager does it. A node that "
        "starts itself ends with an error when it cannot be configured.",
    )
    realtime_priority: int = param(
        20,
        "SCHED_FIFO priority of the control thread, and one less for what it depends on; 0 is the "
        "normal scheduler. Without the permission (`rtprio` in limits.conf) the node says so and "
        "goes on with short time "
        "slices.",
        minimum=0,
        maximum=90,
    )

    def __post_init__(self) -> None:
        config.check(self)


PARAMETERS: dict[str, type] = {
    "": SchedulerNodeConfig,
    "execution": ExecutionConfig,
    "decision": Decision,
}
"""What scheduler_node declares, by the prefix of the names."""
