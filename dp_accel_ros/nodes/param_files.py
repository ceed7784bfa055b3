# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of a node as text: `config/<node>.yaml` and the table in the documentation."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from dp_accel_ros.config import Param, params_of

WIDTH = 99


class Row(NamedTuple):
    """One parameter as a person reads it."""

    name: str
    default: Any
    facts: Param

    @property
    def limits(self) -> str:
        """What values it may have, in words; empty for any."""
        if self.facts.one_of:
            return "one of " + ", ".join(name or repr(name) for name in self.facts.one_of)
        low, high = self.facts.minimum, self.facts.maximum
        if low is not None and high is not None:
            return f"{low:g} to {high:g}"
        if low is not None:
            return f"at least {low:g}"
        return "" if high is None else f"at most {high:g}"


def rows(configs: Mapping[str, type]) -> Iterator[Row]:
    """Yield every parameter of the configs that a node declares, by prefix."""
    for prefix, config_class in configs.items():
        for item, facts in params_of(config_class):
            yield Row(f"{prefix}.{item.name}" if prefix else item.name, item.default, facts)


def yaml_text(node_name: str, configs: Mapping[str, type]) -> str:
    """Return a parameter file that sets every parameter of a node to its default."""
    lines = [
        f"# Every parameter of {node_name} with its default.",
        "# Those marked live can be changed while the node runs.",
        "/**:",
        "  ros__parameters:",
    ]
    for prefix, config_class in configs.items():
        indent = "    "
        if prefix:
            lines.append(f"{indent}{prefix}:")
            indent += "  "
        for row in rows({prefix: config_class}):
            lines += [f"{indent}# {line}" for line in _comment(row, WIDTH - len(indent) - 2)]
            lines.append(f"{indent}{row.name.rpartition('.')[2]}: {_scalar(row.default)}")
    return "\n".join(lines) + "\n"


def _comment(row: Row, width: int) -> list[str]:
    notes = [note for note in (row.limits, "live" if row.facts.live else "") if note]
    return textwrap.wrap(row.facts.help + (f" [{'; '.join(notes)}]" if notes else ""), width)


def _scalar(value: Any) -> str:
    # quoted, so that YAML does not read an empty text as null or {camera} as a mapping
    style = '"' if isinstance(value, str) else None
    return yaml.safe_dump(value, default_style=style).splitlines()[0]


def document_text(nodes: Mapping[str, Mapping[str, type]]) -> str:
    """Return the page of the documentation that lists the parameters of every node."""
    parts = [
        "# Parameters\n\nWritten by `tools/write_config.py`; `config/*.yaml` says the same.\n"
    ]
    parts += [f"## {name}\n\n{table_text(configs)}" for name, configs in nodes.items()]
    return "\n".join(parts)


def table_text(configs: Mapping[str, type]) -> str:
    """Return the parameters of a node as a Markdown table."""
    lines = ["| parameter | default | values | live | meaning |", "|---|---|---|---|---|"]
    for row in rows(configs):
        default = f"`{row.default!r}`" if isinstance(row.default, str) else f"`{row.default}`"
        live = "yes" if row.facts.live else ""
        lines.append(f"| `{row.name}` | {default} | {row.limits} | {live} | {row.facts.help} |")
    return "\n".join(lines) + "\n"
