# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""From a bundle to a policy that runs, and from a name to a method of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.bundle import Bundle, load_bundle
from dp_accel_ros.errors import ConfigError, MissingPartError, UnknownNameError
from dp_accel_ros.manifest import Manifest
from dp_accel_ros.manifest.encoders import Encoder as EncoderFacts
from dp_accel_ros.manifest.encoders import Estimator
from dp_accel_ros.manifest.parts import Camera
from dp_accel_ros.observe.encoders import Encoder
from dp_accel_ros.observe.normalizer import Normalizer
from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.loading.dry_run import run_every_network
from dp_accel_ros.predict.loading.networks import karras_denoiser, load_network, precision_of
from dp_accel_ros.predict.methods import (
    METHOD_CONFIGS,
    Alt,
    AltConfig,
    Method,
    MethodConfig,
    Ragdp,
    RagdpConfig,
    Redi,
    RediConfig,
    Tsdp,
    TsdpConfig,
)
from dp_accel_ros.predict.methods.alt import BUNDLE_THRESHOLD
from dp_accel_ros.predict.methods.base import EncoderName
from dp_accel_ros.predict.methods.bases import base_from, solver_of
from dp_accel_ros.predict.methods.leap import LeapBound
from dp_accel_ros.predict.networks import Network
from dp_accel_ros.predict.policy import Policy
from dp_accel_ros.predict.redi.knowledge_base import KnowledgeBase
from dp_accel_ros.predict.retrieval import INDEXES, RetrievalStore
from dp_accel_ros.predict.retrieval.calibration import Calibration
from dp_accel_ros.predict.schedule import schedule_from
from dp_accel_ros.predict.speculation.batch_costs import measured_costs
from dp_accel_ros.predict.speculation.drafters import NETWORK_DRAFTERS
from dp_accel_ros.predict.stages import Clock


def load_policy(
    bundle: Bundle | str | Path,
    backend: BackendConfig | None = None,
    *,
    network: Network | None = None,
    clock: Clock | None = None,
) -> Policy:
    """Return the policy of a bundle after running every network of it once.

    Args:
        bundle: A loaded bundle or its folder.
        backend: Where and how networks run; the CPU by default.
        network: A denoising network to use instead of the bundle's ONNX file.
        clock: Seconds, to measure what batches of the denoising network cost on this device, for
            methods that choose batch sizes by it; a second or two on a CPU.

    Raises:
        BundleError: Something in the bundle is damaged or contradicts the rest.
        BackendError: The wanted backend is not there.
        ConfigError: The wanted precision is not in the bundle.
    """
    loaded = bundle if isinstance(bundle, Bundle) else load_bundle(bundle)
    backend = backend or BackendConfig()
    manifest = loaded.manifest
    actions = Normalizer.from_bounds(manifest.normalization.actions)
    precision = "float32" if network else precision_of(loaded, backend)
    denoiser = _denoiser(
        manifest, network or load_network(loaded, manifest.denoiser, precision, backend)
    )
    policy = Policy(
        manifest=manifest,
        encoders=_encoders(loaded, backend),
        joints=Normalizer.from_bounds(manifest.normalization.joints),
        actions=actions,
        precision=precision,
        denoiser=denoiser,
        drafter=_drafter(loaded, backend),
        edm=karras_denoiser(loaded, manifest.edm, "edm", backend),
        consistency=karras_denoiser(loaded, manifest.consistency, "consistency", backend),
        store=_store(loaded, actions, backend),
        calibration=_calibration(loaded),
        knowledge=_knowledge(loaded, backend),
    )
    # The first call of a session also allocates memory, which a robot's first chunk should not.
    run_every_network(policy, loaded)
    if clock is None:
        return policy
    return replace(policy, batch_costs=measured_costs(policy.denoise_batch, clock))


def make_method(name: str, policy: Policy, config: MethodConfig | None = None) -> Method:
    """Return a method of a policy by its name in `METHODS`, with its defaults or a config.

    Raises:
        UnknownNameError: There is no such method.
        ConfigError: The config belongs to another method, or does not fit the policy.
    """
    if name not in METHOD_CONFIGS:
        raise UnknownNameError("method", name, METHOD_CONFIGS)
    chosen = METHOD_CONFIGS[name]() if config is None else config
    if not isinstance(chosen, METHOD_CONFIGS[name]):
        expected = METHOD_CONFIGS[name].__name__
        raise ConfigError(f"method {name!r}: expected {expected}, got {type(chosen).__name__}")
    if isinstance(chosen, AltConfig):
        return _alt(policy, chosen)
    if isinstance(chosen, RagdpConfig):
        base = solver_of(policy, chosen.solver, chosen.num_inference_steps)
        store, bound = _demonstrated(policy, name), _leap_bound(policy, chosen)
        return Ragdp(base, store, chosen.leap_ratio, chosen.neighbours, bound)
    if isinstance(chosen, RediConfig):
        known = _known(policy, name)
        base = solver_of(policy, known.solver, known.num_inference_steps)
        return Redi.configured(base, known, chosen)
    if isinstance(chosen, TsdpConfig):
        return _tsdp(policy, chosen)
    return base_from(name, policy, chosen)


def _alt(policy: Policy, config: AltConfig) -> Alt:
    store, margin = _demonstrated(policy, "alt"), config.hysteresis_margin
    return Alt(store, _alt_threshold(policy, config), margin, config.candidates, config.choice)


def _alt_threshold(policy: Policy, config: AltConfig) -> float:
    if config.false_alarm_rate > 0.0:
        return _calibrated(policy, "false_alarm_rate").threshold(config.false_alarm_rate)
    if config.threshold != BUNDLE_THRESHOLD:
        return config.threshold
    if policy.calibration is not None:
        return policy.calibration.threshold()
    facts = policy.manifest.retrieval
    return BUNDLE_THRESHOLD if facts is None else facts.alt_threshold


def _leap_bound(policy: Policy, config: RagdpConfig) -> LeapBound | None:
    if config.leap_mode == "fixed":
        return None
    return LeapBound(_calibrated(policy, "leap_mode").curve, config.leap_tolerance)


def _calibrated(policy: Policy, setting: str) -> Calibration:
    """Return the calibration for a setting that rests on it."""
    if policy.calibration is None:
        present = ", ".join(policy.manifest.optional_parts) or "none"
        raise ConfigError(
            f"`{setting}` needs a bundle whose `calibration` belongs to its store; run `dp-accel"
            f" calibrate` on it or leave the default. Its optional parts: {present}"
        )
    return policy.calibration


def _tsdp(policy: Policy, config: TsdpConfig) -> Tsdp:
    if config.drafter in NETWORK_DRAFTERS and policy.drafter is None:
        needed = "a drafter (`dp-accel train drafter` makes it)"
        raise MissingPartError(
            f"tsdp with drafter {config.drafter}", needed, policy.manifest.optional_parts
        )
    base = solver_of(policy, "ddpm", config.num_inference_steps)
    store = _demonstrated(policy, "tsdp")
    return Tsdp.configured(base, store, config, policy.batch_costs, policy.drafter)


def _demonstrated(policy: Policy, method: str) -> RetrievalStore:
    """Return the store for a method that retrieves from it."""
    if policy.store is None:
        raise MissingPartError(method, "a retrieval store", policy.manifest.optional_parts)
    return policy.store


def _known(policy: Policy, method: str) -> KnowledgeBase:
    """Return the knowledge base for a method that looks up trajectories."""
    facts, files = policy.manifest.knowledge, policy.manifest.files
    if policy.knowledge is None or facts is None or facts.network not in files.values():
        needed = "a trajectory knowledge base of its network (`dp-accel knowledge-base` makes it)"
        raise MissingPartError(method, needed, policy.manifest.optional_parts)
    return policy.knowledge


def _knowledge(bundle: Bundle, backend: BackendConfig) -> KnowledgeBase | None:
    facts, groups = bundle.manifest.knowledge, bundle.manifest.feature_groups
    if facts is None or bundle.knowledge is None:
        return None
    index = INDEXES[backend.index]
    return KnowledgeBase.build(facts, bundle.knowledge, groups=groups, index=index)


def _calibration(bundle: Bundle) -> Calibration | None:
    facts, sums = bundle.manifest.calibration, bundle.manifest.files.values()
    # A store that was exchanged since knows nothing of what the old one was worth.
    if facts is None or bundle.calibration is None or not facts.belongs_to(sums):
        return None
    return Calibration.of(bundle.calibration, facts.false_alarm_rate)


def _store(bundle: Bundle, actions: Normalizer, backend: BackendConfig) -> RetrievalStore | None:
    facts = bundle.manifest.retrieval
    if bundle.store is None or facts is None:
        return None
    return RetrievalStore.build(
        bundle.store,
        action_normalizer=actions,
        index=INDEXES[backend.index],
        horizon=bundle.manifest.horizon,
        n_obs_steps=bundle.manifest.n_obs_steps,
        key_scale=facts.key_scale,
    )


def _encoders(bundle: Bundle, backend: BackendConfig) -> dict[EncoderName, Encoder]:
    from dp_accel_ros.observe.encoders.estimated import EstimatedState
    from dp_accel_ros.observe.encoders.onnx_encoder import OnnxEncoder

    facts = bundle.manifest

    def encoder(part: EncoderFacts | Estimator, cameras: list[Camera], n_state: int) -> Encoder:
        return OnnxEncoder(
            bundle.file(part.file),
            cameras=cameras,
            n_joints=len(facts.joints),
            n_state=n_state,
            feature_dim=part.feature_dim,
            backend=backend,
        )

    parts: dict[EncoderName, EncoderFacts] = {"policy": facts.encoder, "alt": facts.alt_encoder}
    if facts.estimator is None or not facts.estimates:
        return {k: encoder(part, facts.cameras, len(facts.state)) for k, part in parts.items()}
    estimator = encoder(facts.estimator, facts.cameras, 0)
    n_state = facts.estimator.feature_dim
    return {k: EstimatedState(estimator, encoder(p, [], n_state)) for k, p in parts.items()}


def _denoiser(manifest: Manifest, network: Network) -> Denoiser:
    facts = manifest.schedule
    return Denoiser(network, schedule_from(facts), facts.prediction_type, clip=facts.clip_sample)


def _drafter(bundle: Bundle, backend: BackendConfig) -> Denoiser | None:
    facts = bundle.manifest.drafter
    if facts is None:
        return None
    return _denoiser(bundle.manifest, load_network(bundle, facts, "float32", backend))
