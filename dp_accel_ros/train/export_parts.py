# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Networks that a bundle may lack, from the stage that trains one to its section of a bundle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dp_accel_ros.bundle import Bundle
from dp_accel_ros.errors import DataError
from dp_accel_ros.train.export_drafter import put_drafter
from dp_accel_ros.train.export_estimator import put_estimator
from dp_accel_ros.train.export_karras import put_consistency, put_edm
from dp_accel_ros.train.workshop import Workshop


@dataclass(frozen=True, slots=True)
class ExportedPart:
    """A section that is made of one trained network."""

    stage: str
    put: Callable[[Workshop, Bundle], Bundle]
    """Exports the network into a bundle and returns that as loading finds it."""


PARTS = {
    "estimator": ExportedPart("perception", put_estimator),
    "edm": ExportedPart("edm", put_edm),
    "consistency": ExportedPart("consistency", put_consistency),
    "drafter": ExportedPart("drafter", put_drafter),
}
"""Section of the manifest to how it is made, in the order in which bundles get them."""


def put_trained(shop: Workshop, bundle: Bundle) -> Bundle:
    """Put every part that is trained and belongs to the recipe into a bundle."""
    for name, part in PARTS.items():
        if (name != "estimator" or shop.recipe.estimates) and shop.run(part.stage).complete:
            bundle = part.put(shop, bundle)
    return bundle


def put_part(shop: Workshop, bundle: Bundle, name: str) -> Bundle:
    """Put one part into a bundle, or another in its place.

    Raises:
        DataError: Its training is not complete.
        BundleError: It does not fit the bundle.
    """
    part = PARTS[name]
    if not (run := shop.run(part.stage)).complete:
        raise DataError(f"{run.path}: expected a trained network, `dp-accel train {part.stage}`")
    return part.put(shop, bundle)
