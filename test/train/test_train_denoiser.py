# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What the denoising transformer may see, and its size."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from dp_accel_ros.errors import ConfigError  # noqa: E402
from dp_accel_ros.predict.networks.torch_transformer import (  # noqa: E402
    DenoisingTransformer,
    TransformerShape,
)

TINY = TransformerShape(n_actions=3, n_features=5, horizon=6, n_layers=2, n_heads=2, width=16)


@pytest.fixture(scope="module")
def network() -> DenoisingTransformer:
    return made(TINY)


def made(shape: TransformerShape) -> DenoisingTransformer:
    torch.manual_seed(0)
    network = DenoisingTransformer(shape).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return network


@pytest.fixture
def inputs() -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn((4, 6, 3), generator=generator)
    return x, torch.tensor([0.0, 7.0, 50.0, 99.0]), torch.randn((4, 2, 5), generator=generator)


@torch.no_grad()
def test_rows_at_different_times_equal_single_runs(network, inputs):
    together = network(*inputs)
    alone = torch.cat([network(*(part[i : i + 1] for part in inputs)) for i in range(4)])
    assert torch.allclose(together, alone, atol=1e-6)


@torch.no_grad()
def test_time_and_condition_matter(network, inputs):
    x, t, cond = inputs
    assert not torch.allclose(network(x, t, cond), network(x, t + 1, cond), atol=1e-4)
    assert not torch.allclose(network(x, t, cond), network(x, t, cond + 1), atol=1e-4)


@torch.no_grad()
def test_an_action_does_not_see_later_ones(network, inputs):
    x, t, cond = inputs
    changed = x.clone()
    changed[:, 4:] += 1.0
    difference = (network(changed, t, cond) - network(x, t, cond)).abs().amax(dim=(0, 2))
    assert difference[:4].max() == 0.0
    assert difference[4:].min() > 1e-4


@torch.no_grad()
def test_the_first_action_does_not_see_the_newest_observation(network, inputs):
    x, t, cond = inputs
    changed = cond.clone()
    changed[:, 1] += 1.0
    difference = (network(x, t, changed) - network(x, t, cond)).abs().amax(dim=(0, 2))
    assert difference[0] == 0.0
    assert difference[1:].min() > 1e-4


@torch.no_grad()
def test_actions_that_share_a_token_see_each_other_and_none_of_a_later_one(inputs):
    network, (x, t, cond) = made(replace(TINY, actions_per_token=2)), inputs
    changed = x.clone()
    changed[:, 3] += 1.0
    difference = (network(changed, t, cond) - network(x, t, cond)).abs().amax(dim=(0, 2))
    assert difference[:2].max() == 0.0
    assert difference[2:].min() > 1e-4


@torch.no_grad()
def test_a_token_sees_the_observations_up_to_its_last_action(inputs):
    network, (x, t, cond) = made(replace(TINY, actions_per_token=2)), inputs
    changed = cond.clone()
    changed[:, 1] += 1.0
    difference = (network(x, t, changed) - network(x, t, cond)).abs().amax(dim=(0, 2))
    assert difference.min() > 1e-4


def test_a_token_of_so_many_actions_that_some_are_left_over_is_refused():
    with pytest.raises(ConfigError, match=r"must divide the horizon \(6\), got 4"):
        replace(TINY, actions_per_token=4)


def test_the_paper_size_has_nine_million_weights():
    network = DenoisingTransformer(TransformerShape(n_actions=8, n_features=16))
    assert 8.5e6 < sum(p.numel() for p in network.parameters()) < 9.5e6


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ConfigError, match=r"`width` must be a multiple of 2 \* `n_heads` \(6\)"):
        TransformerShape(n_actions=3, n_features=5, n_heads=3, width=16)
