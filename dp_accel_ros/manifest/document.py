# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""The text of a bundle's `manifest.yaml`: what the policy expects, gives and was made from.

Every class refuses unknown keys and checks what it can see on its own; the bundle checks the
manifest against the files.
"""

from __future__ import annotations

from pydantic import ValidationError, model_validator

from dp_accel_ros.errors import BundleError, MissingPartError, UnknownNameError
from dp_accel_ros.manifest.checks import complaints_about
from dp_accel_ros.manifest.encoders import AUTO, OBSERVE, PIXELS, STATE
from dp_accel_ros.manifest.sections import Sections

FORMAT_VERSION = 1


class Manifest(Sections):
    """Everything that a robot must know of a bundle before it loads the networks."""

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Manifest:
        for complaint in complaints_about(self):
            raise ValueError(complaint)
        return self

    @property
    def observes(self) -> str:
        """What the policy takes beside the joints: `pixels` or the `state`."""
        return PIXELS if self.cameras else STATE

    @property
    def estimates(self) -> bool:
        """Whether its cameras are those of the estimator, which tells its encoders the state."""
        return self.estimator is not None and bool(self.cameras)

    @property
    def observe(self) -> str:
        """What `observed_by` was asked for: `auto` where the senses are those it was made for."""
        return self.observes if self.estimates else AUTO

    @property
    def subject(self) -> str:
        """The task, and what the policy observes where it was made for something else."""
        return self.task if self.observe == AUTO else f"{self.task}_{self.observe}"

    def observed_by(self, observe: str) -> Manifest:
        """Return the manifest of the same policy with other senses.

        Args:
            observe: `state`; `pixels`, which lets the estimator of a policy that takes the state
                see that in images; or `auto` for what it was made for.

        Raises:
            UnknownNameError: There is no such way to observe.
            MissingPartError: The policy cannot observe so.
        """
        if observe not in OBSERVE:
            raise UnknownNameError("way to observe", observe, OBSERVE)
        if observe in (AUTO, self.observes):
            return self
        if observe == STATE:
            needed = "encoders of a state; these take images"
            raise MissingPartError("observe: state", needed, self.optional_parts)
        if self.estimator is None:
            needed = "an estimator (`dp-accel build --estimator` makes it)"
            raise MissingPartError("observe: pixels", needed, self.optional_parts)
        return self.model_copy(update={"cameras": self.estimator.cameras, "state": []})


def manifest_from(document: object, source: str) -> Manifest:
    """Return the manifest in a parsed YAML document; `source` names it in errors.

    Raises:
        BundleError: The document is not a manifest; the message lists every wrong key.
    """
    if not isinstance(document, dict):
        raise BundleError(f"{source}: expected a mapping of keys, got {type(document).__name__}")
    version = document.get("format_version")
    if version != FORMAT_VERSION:
        raise BundleError(
            f"{source}: `format_version` must be {FORMAT_VERSION} for this release, got {version!r}"
        )
    try:
        return Manifest.model_validate(document)
    except ValidationError as error:
        lines = [
            f"{'.'.join(str(part) for part in item['loc']) or 'manifest'}: {item['msg']}"
            for item in error.errors()
        ]
        raise BundleError(f"{source}: " + "; ".join(lines)) from error
