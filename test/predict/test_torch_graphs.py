# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What a GPU records, proven without one: traced, replayed on other numbers, and kept on one device.

The tests of `RECORDERS` also run on CUDA graphs where there is a GPU.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from toy_networks import noise

from dp_accel_ros.backend import BackendConfig
from dp_accel_ros.errors import BackendError, ConfigError
from dp_accel_ros.predict.assemble import load_policy, make_method
from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.samplers import Consistency, Ddim, Ddpm, DpmPp2M, Heun
from dp_accel_ros.predict.sampling import sampled
from dp_accel_ros.predict.schedule import karras, squared_cosine
from dp_accel_ros.predict.stages import StageTimes

pytest.importorskip("torch")
pytest.importorskip("onnx")

import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from dp_accel_ros.predict.networks import torch_graphs
from dp_accel_ros.predict.networks.torch_graphs import GraphedNetwork, n_draws
from dp_accel_ros.predict.networks.torch_network import TorchNetwork
from dp_accel_ros.predict.networks.torch_program import CudaGraphs
from dp_accel_ros.predict.networks.torch_transformer import DenoisingTransformer, TransformerShape

MODELS = Path(__file__).parents[2] / "models"
SHAPE = TransformerShape(
    n_actions=3, n_features=5, n_layers=1, n_heads=2, width=16, horizon=8, n_obs_steps=2
)
VP, VE = squared_cosine(100), karras(bins=20)
SAMPLERS = {
    "ddpm": ("epsilon", VP, Ddpm.spaced(VP, 4)),
    "ddim": ("epsilon", VP, Ddim.spaced(VP, 4)),
    "ddim, its first part": ("epsilon", VP, Ddim.spaced(VP, 4).first(2)),
    "dpmpp_2m": ("epsilon", VP, DpmPp2M.spaced(VP, 4)),
    "dpmpp_2m after a leap": ("epsilon", VP, DpmPp2M.spaced(VP, 8).last(3)),
    "heun": ("edm", VE, Heun.spaced(VE, 3)),
    "consistency": ("consistency", VE, Consistency.spaced(VE, 3)),
}


def traced(body):
    """Record a body as its operations alone: numbers that it read from Python are baked in."""
    body()
    return make_fx(body)()


def on_a_gpu(body):
    return CudaGraphs()(body)


needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
RECORDERS = [
    pytest.param("cpu", None, id="not recorded"),
    pytest.param("cpu", traced, id="traced"),
    pytest.param("cuda", on_a_gpu, id="CUDA graphs", marks=needs_gpu),
]


@pytest.fixture(autouse=True)
def _few_batches(monkeypatch):
    monkeypatch.setattr(torch_graphs, "BATCHES", (1, 4))


def transformer() -> DenoisingTransformer:
    torch.manual_seed(0)
    module = DenoisingTransformer(SHAPE)
    for weights in module.parameters():
        torch.nn.init.normal_(weights, std=0.3)
    return module


def condition(rows: int = 1, seed: int = 7) -> np.ndarray:
    return noise(rows, SHAPE.n_obs_steps, SHAPE.n_features, seed=seed)


def chunks(rows: int = 1, seed: int = 0) -> np.ndarray:
    return noise(rows, SHAPE.horizon, SHAPE.n_actions, seed=seed)


@pytest.mark.parametrize(("device", "recorder"), RECORDERS)
def test_a_batch_of_any_size_is_what_the_module_gives(device, recorder):
    plain, graphed = (
        TorchNetwork(transformer()),
        GraphedNetwork(transformer(), device, recorder),
    )
    for seed, n_rows in enumerate((1, 3, 4, 2, 9, 3)):
        times = np.random.default_rng(seed).integers(0, 100, n_rows).astype(np.float32)
        asked = (chunks(n_rows, seed), times, condition(n_rows, seed))
        np.testing.assert_allclose(graphed(*asked), plain(*asked), atol=1e-5)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize(("device", "recorder"), RECORDERS)
def test_a_loop_is_the_samplers_own_again_and_again(device, recorder, name):
    kind, schedule, sampler = SAMPLERS[name]
    plain = Denoiser(TorchNetwork(transformer()), schedule, kind)
    graphed = Denoiser(GraphedNetwork(transformer(), device, recorder), schedule, kind)
    for seed in range(3):  # the first is recorded, the others must differ from it
        start = chunks(1, seed) * np.float32(schedule.sigmas[sampler.levels[0]])
        rngs = [np.random.default_rng(seed) for _ in range(2)]
        wanted = sampled(plain, sampler, condition(1, seed), start, rngs[0])
        found = sampled(graphed, sampler, condition(1, seed), start, rngs[1])
        np.testing.assert_allclose(found, wanted, atol=1e-5)
        assert found.dtype == np.float32
        # whoever draws next from the generator gets what he would have got
        assert rngs[0].bit_generator.state == rngs[1].bit_generator.state


@pytest.mark.parametrize(("device", "recorder"), RECORDERS)
def test_several_chunks_in_a_loop_under_conditions_of_their_own_or_one(device, recorder):
    kind, schedule, sampler = SAMPLERS["ddpm"]
    plain = Denoiser(TorchNetwork(transformer()), schedule, kind)
    graphed = Denoiser(GraphedNetwork(transformer(), device, recorder), schedule, kind)
    for given in (condition(3), condition(1)):
        both = [
            sampled(denoiser, sampler, given, chunks(3), np.random.default_rng(0))
            for denoiser in (plain, graphed)
        ]
        np.testing.assert_allclose(both[1], both[0], atol=1e-5)


@dataclass
class Watcher(TorchDispatchMode):
    """Notes on which devices the operands of every operation are."""

    seen: set[str] = field(default_factory=set)

    def __post_init__(self):
        super().__init__()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        operands = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        self.seen |= {operand.device.type for operand in operands}
        result = func(*args, **(kwargs or {}))
        self.seen |= {leaf.device.type for leaf in tree_leaves(result) if hasattr(leaf, "device")}
        return result


@pytest.mark.parametrize("name", SAMPLERS)
def test_what_is_recorded_touches_nothing_outside_its_device(name):
    """A GPU cannot record a copy from the host; the device `meta` shows one without a GPU."""
    kind, schedule, sampler = SAMPLERS[name]
    watchers = []

    def watched(body):
        body()
        with Watcher() as watcher:
            body()
        watchers.append(watcher)
        return body

    network = GraphedNetwork(transformer(), "meta", watched)
    denoiser = Denoiser(network, schedule, kind)
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
        sampled(denoiser, sampler, condition(), chunks(), np.random.default_rng(0))
    assert [watcher.seen for watcher in watchers] == [{"meta"}] * (len(torch_graphs.BATCHES) + 1)


def test_the_watcher_of_that_test_sees_a_number_from_the_host():
    with Watcher() as watcher:
        _ = torch.zeros(2, device="meta") * torch.tensor(3.0)
    assert watcher.seen == {"meta", "cpu"}


@pytest.mark.parametrize(
    ("name", "wanted"), [("ddpm", 3), ("ddim", 0), ("heun", 0), ("consistency", 2)]
)
def test_draws_are_counted(name, wanted):
    assert n_draws(SAMPLERS[name][2]) == wanted


def test_a_chunk_is_conditioned_once_whatever_is_asked_of_it():
    module = transformer()
    network, asked = GraphedNetwork(module), []
    module.condition_in.register_forward_hook(lambda *_: asked.append(1))
    kind, schedule, sampler = SAMPLERS["ddim"]
    denoiser = Denoiser(network, schedule, kind)
    sampled(denoiser, sampler, condition(), chunks(), np.random.default_rng(0))
    denoiser.given(condition())(chunks(5), np.array([3, 9, 27, 81, 99]))
    assert len(asked) == 1
    denoiser.given(condition(seed=8))(chunks(), 3)
    assert len(asked) == 2


def test_a_loop_is_recorded_once_and_the_one_unused_for_longest_is_forgotten(monkeypatch):
    monkeypatch.setattr(torch_graphs, "MOST_LOOPS", 2)
    recorded = []

    def noted(body):
        recorded.append(body)
        return body

    denoiser = Denoiser(GraphedNetwork(transformer(), recorder=noted), VP, "epsilon")
    n_batches = len(recorded)

    def n_loops(steps: int) -> int:
        sampler = Ddim.spaced(VP, steps)
        sampled(denoiser, sampler, condition(), chunks(), np.random.default_rng(0))
        return len(recorded) - n_batches

    assert [n_loops(steps) for steps in (2, 3, 2, 4, 2, 3)] == [1, 2, 2, 3, 3, 4]


def test_threads_take_turns():
    network, plain = GraphedNetwork(transformer(), recorder=traced), TorchNetwork(transformer())
    asked = [
        (chunks(n, seed=n), np.full(n, 5.0 * n, np.float32), condition(n, seed=n))
        for n in (1, 2, 3, 4)
    ]
    wanted = [plain(*one) for one in asked]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(20):
            for found, want in zip(
                pool.map(lambda one: network(*one), asked), wanted, strict=True
            ):
                np.testing.assert_allclose(found, want, atol=1e-5)


@pytest.fixture(scope="module")
def both_policies():
    """Push-T's policy on ONNX Runtime and on PyTorch."""
    backends = [
        BackendConfig(threads=1, precision="float32", runtime=r) for r in ("onnx", "torch")
    ]
    return [load_policy(MODELS / "pusht", backend) for backend in backends]


@pytest.mark.parametrize("name", ["ddpm", "ddim", "dpmpp_2m", "ragdp", "redi", "tsdp"])
def test_a_method_gives_the_same_chunk_on_both_runtimes(both_policies, name):
    chunk = [
        make_method(name, policy)
        .act(
            np.random.default_rng(3).normal(size=given(policy)).astype(np.float32),
            np.random.default_rng(0),
            [None],
            StageTimes(),
        )
        .actions
        for policy in both_policies
    ]
    # as far apart as 100 steps of float32 products in another order may come
    np.testing.assert_allclose(chunk[1], chunk[0], atol=2e-3)


def given(policy):
    return 1, policy.manifest.n_obs_steps, policy.manifest.denoiser.feature_dim


def test_both_runtimes_draft_with_the_small_network(both_policies):
    rounds = []
    for policy in both_policies:
        x = noise(3, policy.manifest.horizon, len(policy.manifest.joints))
        levels = np.array([5, 50, 95])
        condition = noise(*given(policy), seed=4)
        rounds.append(policy.drafter.given(condition)(x, levels))
    np.testing.assert_allclose(rounds[1], rounds[0], atol=1e-4)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_said():
    backend = BackendConfig(provider="cuda", runtime="torch")
    with pytest.raises(BackendError, match="expected a GPU for `runtime` torch, got none"):
        load_policy(MODELS / "pusht", backend)


def test_pytorch_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accel_ros.predict.networks.torch_graphs", None)
    with pytest.raises(BackendError, match="`runtime` torch needs PyTorch and the package onnx"):
        load_policy(MODELS / "pusht", BackendConfig(runtime="torch"))


def test_int8_is_for_onnxruntime_alone():
    with pytest.raises(ConfigError, match="`precision` int8 needs `runtime` onnx"):
        load_policy(MODELS / "pusht", BackendConfig(runtime="torch", precision="int8"))


def test_a_network_that_is_no_transformer_is_refused(tiny_bundle):
    with pytest.raises(BackendError, match="is no denoising transformer"):
        load_policy(tiny_bundle, BackendConfig(runtime="torch"))
