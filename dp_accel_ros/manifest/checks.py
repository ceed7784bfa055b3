# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What the sections of a manifest must have in common."""

from __future__ import annotations

from dp_accel_ros.manifest.sections import Sections


def complaints_about(manifest: Sections) -> list[str]:
    """Return what contradicts itself in a manifest, each in a sentence."""
    n_joints, found = len(manifest.joints), []
    kinds = (
        ("joint", manifest.joint_names),
        ("camera", manifest.camera_names),
        ("state", tuple(manifest.state)),
    )
    for kind, names in kinds:
        found += [f"{kind} {n!r} is listed twice" for n in set(names) if names.count(n) > 1]
    if not manifest.cameras and not manifest.state:
        found.append("expected `cameras` or a `state`, got neither: the policy would see nothing")
    found += _about_the_estimator(manifest)
    # these are the names of the encoder's other inputs
    cameras = [*manifest.cameras, *(manifest.estimator.cameras if manifest.estimator else ())]
    taken = {"joints", "state"} & {camera.name for camera in cameras}
    found += [f"a camera cannot be named {name!r}" for name in taken]
    if manifest.horizon < manifest.n_obs_steps:
        found.append(f"`horizon` {manifest.horizon} is below `n_obs_steps` {manifest.n_obs_steps}")
    elif manifest.n_action_steps > manifest.max_action_steps:
        rule = f"{manifest.max_action_steps} (`horizon` - `n_obs_steps` + 1)"
        found.append(f"`n_action_steps` must be at most {rule}, got {manifest.n_action_steps}")
    for name in ("joints", "actions"):
        size = len(getattr(manifest.normalization, name).minimum)
        if size != n_joints:
            found.append(f"normalization.{name} has {size} numbers for {n_joints} joints")
    found += _about_denoisers(manifest)
    found += [*_about_features(manifest), *_about_knowledge(manifest)]
    found += [
        f"file {n!r} has no sha256 in `files`" for n in manifest.named_files - set(manifest.files)
    ]
    unused = sorted(set(manifest.files) - manifest.named_files)
    return found + [f"file {name!r} is listed in `files` but nothing uses it" for name in unused]


def _about_the_estimator(manifest: Sections) -> list[str]:
    if manifest.estimator is None:
        return []
    if manifest.cameras or not manifest.state:
        return ["an `estimator` is for a policy that takes a `state` and no `cameras`"]
    given, taken = manifest.estimator.feature_dim, len(manifest.state)
    if given != taken:
        return [f"the estimator gives {given} numbers, but the `state` has {taken}"]
    return []


def _about_denoisers(manifest: Sections) -> list[str]:
    sections = {"edm": manifest.edm, "consistency": manifest.consistency}
    karras = {f"the network of `{key}`": s for key, s in sections.items() if s}
    networks = {"the denoiser": manifest.denoiser, **karras}
    if manifest.drafter is not None:
        networks["the drafter"] = manifest.drafter
    given = manifest.encoder.feature_dim
    found = [
        f"{name} is conditioned on `feature_dim` {network.feature_dim}, but the encoder gives"
        f" {given}"
        for name, network in networks.items()
        if network.feature_dim != given
    ]
    # What a policy says of its precision must hold for each of its denoisers.
    with_int8 = manifest.denoiser.int8_file is not None
    return found + [
        f"{name} and the denoiser must both have an `int8_file`, or neither"
        for name, network in karras.items()
        if (network.int8_file is not None) != with_int8
    ]


def _about_features(manifest: Sections) -> list[str]:
    scale = None if manifest.retrieval is None else manifest.retrieval.key_scale
    sizes = {"encoder's `groups`": sum(manifest.feature_groups.values())}
    if scale is not None:
        sizes["retrieval's `key_scale`"] = len(scale)
    dim = manifest.encoder.feature_dim
    return [
        f"the {name} have {size} features, but the encoder's `feature_dim` is {dim}"
        for name, size in sizes.items()
        if size != dim
    ]


def _about_knowledge(manifest: Sections) -> list[str]:
    if manifest.knowledge is None:
        return []
    groups = manifest.feature_groups
    strange = [name for name in manifest.knowledge.seen if name not in groups]
    return [f"knowledge.seen: no features {n!r}; there are {', '.join(groups)}" for n in strange]
