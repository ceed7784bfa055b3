# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The optional section `scheduler` of a manifest: a network that plans the drafts of TS-DP."""

from __future__ import annotations

from pydantic import Field

from dp_accel_ros.manifest.parts import FileName, Finite, Part


class Scheduler(Part):
    """From what is known between two chunks to how boldly the next one is drafted."""

    file: FileName
    episode_s: Finite = Field(gt=0)
    """Time at which the progress that it sees reaches 1, in s."""

    settings: dict[str, bool | int | float | str]
    """Parameters of TS-DP that it was trained under; only for them its plans are good."""

    inputs: dict[str, int]
    """What it sees, in this order, to how many numbers that is."""

    outputs: list[str]
    """What each number that it gives stands for."""

    @property
    def files(self) -> set[str]:
        """The files of which it consists."""
        return {self.file}
