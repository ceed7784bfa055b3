# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The optional section `calibration` of a manifest: how far the retrieval store can be trusted."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from dp_accel_ros.manifest.parts import FileName, Finite, Part


class Calibration(Part):
    """Frames of held-out episodes, looked up in the store."""

    false_alarm_rate: Finite = Field(gt=0, lt=1)
    """Share of in-distribution frames that ALT's threshold may flag where nobody says another."""

    of: list[str]
    """The sha256 of the store's files from which it was computed."""

    leap_curve: FileName
    """Key distance, rising, and the expected distance of whole normalised chunks, (2, M)."""

    alt_similarities: FileName
    """Of every held-out frame to the most similar one of the store, (N,)."""

    episode_ends: FileName
    """Row after the last frame of each held-out episode, (E,)."""

    @property
    def files(self) -> set[str]:
        """The files of which it consists."""
        return {self.leap_curve, self.alt_similarities, self.episode_ends}

    def belongs_to(self, sums: Iterable[str]) -> bool:
        """Say whether the store's files still are those with which it was computed."""
        return set(self.of) <= set(sums)
