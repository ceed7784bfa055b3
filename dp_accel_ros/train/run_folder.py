# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What a training run leaves behind: config, seed, loss curve, checkpoint, weights, metrics."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import yaml

from dp_accel_ros.errors import ConfigError, DataError

SMOOTHED_OVER = 50
"""Steps of the running mean in the plot; one batch says little."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The files of one run, in one folder."""

    path: Path

    def begin(self, config: Any) -> None:
        """Write `config.yaml` from a dataclass, or check that the run to continue has the same.

        Raises:
            ConfigError: The folder holds a run with other settings.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        wanted = yaml.safe_dump(_plain(asdict(config)), sort_keys=False)
        file = self.path / "config.yaml"
        if file.is_file() and file.read_text(encoding="utf-8") != wanted:
            raise ConfigError(
                f"{file} belongs to a run with other settings; remove {self.path} to train anew"
            )
        file.write_text(wanted, encoding="utf-8")

    @property
    def complete(self) -> bool:
        """Whether the run went to its end and was evaluated."""
        return (self.path / "metrics.yaml").is_file()

    @property
    def metrics(self) -> dict[str, Any]:
        """What was measured at the end of the run."""
        return yaml.safe_load((self.path / "metrics.yaml").read_text(encoding="utf-8"))

    @property
    def made(self) -> dict[str, dict[str, Any]]:
        """How the network was made, for a bundle's `provenance`: its recipe, and what was measured."""
        recipe = yaml.safe_load((self.path / "config.yaml").read_text(encoding="utf-8"))
        return {"recipes": {self.path.name: recipe}, "measured": {self.path.name: self.metrics}}

    def finish(self, metrics: Mapping[str, Any]) -> None:
        """Write the metrics, which marks the run as complete, and plot the losses, if any."""
        if (self.path / "loss.csv").is_file():
            self._plot()
        text = yaml.safe_dump(_plain(dict(metrics)), sort_keys=False)
        (self.path / "metrics.yaml").write_text(text, encoding="utf-8")

    def log(self, rows: Sequence[tuple[int, float, float]]) -> None:
        """Append (step, loss, learning rate) rows to `loss.csv`."""
        file = self.path / "loss.csv"
        is_new = not file.is_file()
        with file.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            if is_new:
                writer.writerow(("step", "loss", "learning_rate"))
            writer.writerows((step, f"{loss:.6g}", f"{rate:.4g}") for step, loss, rate in rows)

    def save(self, name: str, state: Mapping[str, Any]) -> None:
        """Write tensors so that a kill leaves the old file or the new one, never half of one."""
        partial = self.path / f"{name}.partial"
        torch.save(dict(state), partial)
        partial.replace(self.path / name)

    def load(self, name: str) -> dict[str, Any] | None:
        """Return what `save` wrote, or None."""
        file = self.path / name
        if not file.is_file():
            return None
        return torch.load(file, map_location="cpu", weights_only=True)

    def weights(self) -> dict[str, Any]:
        """Return the averaged weights of a run that has ended."""
        weights = self.load("weights.pt")
        if weights is None:
            raise DataError(f"{self.path}: expected weights.pt of a finished run, found none")
        return weights

    def _plot(self) -> None:
        from matplotlib.figure import Figure

        with (self.path / "loss.csv").open(encoding="utf-8") as stream:
            rows = [(int(row["step"]), float(row["loss"])) for row in csv.DictReader(stream)]
        steps, losses = [row[0] for row in rows], [row[1] for row in rows]
        window = max(1, min(SMOOTHED_OVER, len(losses) // 10))
        means = [sum(losses[i : i + window]) / window for i in range(0, len(losses) - window + 1)]
        axes = (figure := Figure(figsize=(6, 3.5), layout="constrained")).add_subplot()
        axes.semilogy(steps, losses, color="0.8", linewidth=0.6, label="batch")
        axes.semilogy(steps[window - 1 :], means, label=f"mean of {window}")
        axes.set(xlabel="training step", ylabel="loss", title=self.path.name)
        axes.legend(frameon=False)
        figure.savefig(self.path / "loss.png", dpi=120)


def _plain(value: Any) -> Any:
    """Return nested containers of plain types, which YAML can say without tags."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.item() if hasattr(value, "item") else value
