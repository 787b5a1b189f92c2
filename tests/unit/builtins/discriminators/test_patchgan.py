"""Against section 6 of the design: Isola et al. 2017, and the papers' code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantrans.api.discriminator import Discriminator
from gantrans.plugin.registry import Registry

Make = Callable[..., Discriminator]


@pytest.fixture
def make(builtins: Registry) -> Make:
    def build(in_channels: int = 3, **settings: Any) -> Discriminator:
        torch.manual_seed(0)
        return builtins.config("discriminator", "patchgan", settings).build(in_channels=in_channels)

    return build


def from_the_formulas(x: Tensor, weights: Iterator[Tensor]) -> Tensor:
    """Three layers with instance norm, written with functions; `weights` in order of use."""

    def conv(y: Tensor, stride: int) -> Tensor:
        return F.conv2d(y, next(weights), next(weights), stride=stride, padding=1)

    def norm(y: Tensor) -> Tensor:
        mean = y.mean(dim=(2, 3), keepdim=True)
        variance = y.var(dim=(2, 3), keepdim=True, unbiased=False)
        return (y - mean) / torch.sqrt(variance + 1e-5)

    y = F.leaky_relu(conv(x, 2), 0.2)
    for stride in (2, 2, 1):
        y = F.leaky_relu(norm(conv(y, stride)), 0.2)
    return conv(y, 1)


def test_the_published_network_has_2_764_737_parameters(make: Make) -> None:
    with torch.device("meta"):
        network = make()
    assert sum(weight.numel() for weight in network.parameters()) == 2_764_737


def test_it_computes_what_the_formulas_say(make: Make) -> None:
    network = make(width=4).double()
    for weight in network.parameters():
        nn.init.normal_(weight, std=0.3)
    image = torch.rand(2, 3, 40, 56, dtype=torch.float64) * 2 - 1
    expected = from_the_formulas(image, iter(network.parameters()))
    assert torch.allclose(network(image), expected, rtol=1e-9, atol=1e-12)


def test_256_px_give_30_by_30_scores(make: Make) -> None:
    with torch.device("meta"):
        assert make()(torch.empty(1, 3, 256, 256)).shape == (1, 1, 30, 30)


@pytest.mark.parametrize(("layers", "side"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_a_score_sees_a_square_patch(make: Make, layers: int, side: int) -> None:
    """The pixels that a score has a gradient to; without norm, which looks at all of them."""
    network = make(width=2, layers=layers, norm="none")
    for weight in network.parameters():
        nn.init.constant_(weight, 0.01)  # no gradient can cancel
    image = torch.full((1, 3, 320, 320), 0.5, requires_grad=True)
    scores = network(image)
    scores[0, 0, scores.shape[2] // 2, scores.shape[3] // 2].backward()
    assert image.grad is not None
    seen = image.grad[0].abs().sum(0) > 0
    rows, columns = seen.any(1).nonzero(), seen.any(0).nonzero()
    assert len(rows) == len(columns) == side
    assert int(seen.sum()) == side**2


def test_channels_double_up_to_eight_times_the_width(make: Make) -> None:
    network = make(width=4, layers=5)
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert [m.out_channels for m in convolutions] == [4, 8, 16, 32, 32, 32, 1]
    assert [m.stride[0] for m in convolutions] == [2, 2, 2, 2, 2, 1, 1]


def test_the_first_and_the_last_layer_are_not_normalised(make: Make) -> None:
    kinds = [type(m) for m in make(width=4).modules()][2:]
    inner = [nn.Conv2d, nn.InstanceNorm2d, nn.LeakyReLU]
    assert kinds == [nn.Conv2d, nn.LeakyReLU, *inner * 3, nn.Conv2d]


@pytest.mark.parametrize("norm", ["instance", "group", "none"])
def test_every_convolution_has_a_bias(make: Make, norm: str) -> None:
    network = make(width=4, norm=norm)
    assert all(m.bias is not None for m in network.modules() if isinstance(m, nn.Conv2d))


def test_batch_norm_replaces_the_bias_in_front_of_it(make: Make) -> None:
    network = make(width=4, norm="batch")
    biases = [m.bias is not None for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert biases == [True, False, False, False, True]


def test_pool_mean_gives_each_image_the_mean_of_its_patch_scores(make: Make) -> None:
    every, pooled = make(width=4), make(width=4, pool="mean")
    pooled.load_state_dict(every.state_dict())
    images = torch.rand(3, 3, 48, 64) * 2 - 1
    scores = every(images)
    assert scores.shape == (3, 1, 4, 6)
    assert pooled(images).shape == (3, 1, 1, 1)
    means = torch.stack([patch.sum() / 24 for patch in scores])
    assert torch.allclose(pooled(images).flatten(), means, atol=1e-6)


def test_smaller_images_than_it_says_do_not_work(make: Make) -> None:
    for layers in (1, 2, 3):
        network = make(width=2, layers=layers)
        least = network.min_size
        assert network(torch.zeros(1, 3, least, least)).shape == (1, 1, 1, 1)
        with pytest.raises((RuntimeError, ValueError)):
            network(torch.zeros(1, 3, least - 1, least - 1))
