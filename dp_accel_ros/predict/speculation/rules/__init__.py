# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Accept rules: which drafted states stay."""

from __future__ import annotations

from dp_accel_ros.predict.speculation.rules.base import AcceptRule, Settings
from dp_accel_ros.predict.speculation.rules.exact import Exact
from dp_accel_ros.predict.speculation.rules.tempered import Tempered
from dp_accel_ros.predict.speculation.rules.threshold import Threshold

RULES: dict[str, AcceptRule] = {
    "exact": Exact(),
    "tempered": Tempered(),
    "threshold": Threshold(),
}
"""Name to rule; rules hold no numbers of their own, `Settings` do."""

__all__ = ["RULES", "AcceptRule", "Exact", "Settings", "Tempered", "Threshold"]
