"""Against section 6 of the design: Zhu et al. 2017, section 7.2 and the papers' code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantrans.api.generator import Generator
from gantrans.plugin.registry import Registry
from receptive_field import sides_seen

Make = Callable[..., Generator]


@pytest.fixture
def make(builtins: Registry) -> Make:
    def build(in_channels: int = 3, out_channels: int = 3, **settings: Any) -> Generator:
        torch.manual_seed(0)
        config = builtins.config("generator", "resnet", settings)
        return config.build(in_channels=in_channels, out_channels=out_channels)

    return build


def count(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def convolutions(network: nn.Module) -> list[nn.Module]:
    return [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]


def from_the_formulas(x: Tensor, weights: Iterator[Tensor], blocks: int) -> Tensor:
    """The generator with instance norm, written with functions; `weights` in order of use."""

    def norm(y: Tensor) -> Tensor:
        mean = y.mean(dim=(2, 3), keepdim=True)
        variance = y.var(dim=(2, 3), keepdim=True, unbiased=False)
        return (y - mean) / torch.sqrt(variance + 1e-5)

    def conv(y: Tensor, reflect: int = 0, **how: int) -> Tensor:
        return F.conv2d(
            F.pad(y, (reflect,) * 4, mode="reflect"), next(weights), next(weights), **how
        )

    y = F.relu(norm(conv(x, reflect=3)))
    for _ in range(2):
        y = F.relu(norm(conv(y, stride=2, padding=1)))
    for _ in range(blocks):
        inner = F.relu(norm(conv(y, reflect=1)))
        y = y + norm(conv(inner, reflect=1))
    for _ in range(2):
        up = F.conv_transpose2d(
            y, next(weights), next(weights), stride=2, padding=1, output_padding=1
        )
        y = F.relu(norm(up))
    return torch.tanh(conv(y, reflect=3))


@pytest.mark.parametrize("blocks", [6, 9])
def test_the_presets_are_named_after_their_blocks(make: Make, blocks: int) -> None:
    network = make(width=4, preset=str(blocks))
    assert sum(type(m).__name__ == "ResidualBlock" for m in network.modules()) == blocks


@pytest.mark.parametrize(("blocks", "parameters"), [(9, 11_378_179), (6, 7_837_699)])
def test_the_published_networks_have_their_number_of_parameters(
    make: Make, blocks: int, parameters: int
) -> None:
    with torch.device("meta"):
        assert count(make(width=64, blocks=blocks)) == parameters


def test_the_default_is_resnet_9_of_width_64(make: Make) -> None:
    with torch.device("meta"):
        assert count(make()) == 11_378_179


def test_it_computes_what_the_formulas_say(make: Make) -> None:
    network = make(width=4, blocks=2).double()
    for weight in network.parameters():
        nn.init.normal_(weight, std=0.3)
    image = torch.rand(2, 3, 20, 28, dtype=torch.float64) * 2 - 1
    expected = from_the_formulas(image, iter(network.parameters()), blocks=2)
    assert torch.allclose(network(image), expected, rtol=1e-9, atol=1e-12)


def test_channels_double_twice_and_halve_twice(make: Make) -> None:
    network = make(width=8, blocks=1, in_channels=1, out_channels=3)
    ends = [(m.in_channels, m.out_channels) for m in convolutions(network)]
    assert ends == [(1, 8), (8, 16), (16, 32), (32, 32), (32, 32), (32, 16), (16, 8), (8, 3)]


def test_it_keeps_height_and_width_and_stays_inside_minus_1_to_1(make: Make) -> None:
    network = make(width=4, blocks=1)
    for weight in network.parameters():
        nn.init.normal_(weight, std=1.0)
    translated = network(torch.rand(2, 3, 12, 40) * 2 - 1)
    assert translated.shape == (2, 3, 12, 40)
    assert translated.abs().max() <= 1
    assert translated.abs().max() > 0.9  # so that the bound was put to the test


@pytest.mark.parametrize("norm", ["instance", "group", "none"])
def test_every_convolution_has_a_bias(make: Make, norm: str) -> None:
    assert all(m.bias is not None for m in convolutions(make(width=4, blocks=1, norm=norm)))


def test_batch_norm_replaces_the_bias_in_front_of_it(make: Make) -> None:
    *inner, last = convolutions(make(width=4, blocks=1, norm="batch"))
    assert all(m.bias is None for m in inner)
    assert last.bias is not None


@pytest.mark.parametrize("blocks", [0, 3])
def test_a_pixel_sees_25_pixels_and_16_more_for_each_block(make: Make, blocks: int) -> None:
    network = make(width=1, blocks=blocks, norm="none").double()
    assert max(sides_seen(network, side=128)) == 25 + 16 * blocks


@pytest.mark.parametrize("upsample", ["transpose", "nearest"])
def test_it_ends_with_the_size_it_began_with(make: Make, upsample: str) -> None:
    network = make(width=4, blocks=0, upsample=upsample, norm="none")
    assert network(torch.zeros(1, 3, 16, 24)).shape == (1, 3, 16, 24)


def test_nearest_upsampling_has_no_transposed_convolution_and_leaves_no_checkerboard(
    make: Make,
) -> None:
    """On a constant image every kernel of a stride-1 convolution sees the same thing."""
    nearest = make(width=4, blocks=0, upsample="nearest", norm="none")
    assert not any(isinstance(m, nn.ConvTranspose2d) for m in nearest.modules())
    inside = nearest(torch.full((1, 3, 48, 48), 0.5))[..., 20:28, 20:28]
    assert inside.var(dim=(2, 3)).max() < 1e-12
    transposed = make(width=4, blocks=0, upsample="transpose", norm="none")
    inside = transposed(torch.full((1, 3, 48, 48), 0.5))[..., 20:28, 20:28]
    assert inside.var(dim=(2, 3)).max() > 1e-9


@pytest.mark.parametrize(("dropout", "layers"), [(0.0, 0), (0.5, 3)])
def test_dropout_sits_once_in_each_block(make: Make, dropout: float, layers: int) -> None:
    network = make(width=4, blocks=3, dropout=dropout)
    found = [m for m in network.modules() if isinstance(m, nn.Dropout)]
    assert len(found) == layers
    assert all(m.p == dropout for m in found)


def test_a_block_adds_to_its_input_without_a_relu_after(make: Make) -> None:
    network = make(width=4, blocks=1)
    [block] = [m for m in network.modules() if type(m).__name__ == "ResidualBlock"]
    for weight in block.parameters():
        nn.init.zeros_(weight)
    x = torch.randn(1, 16, 6, 6)
    assert torch.equal(block(x), x)  # with the negative values that a ReLU would take


def test_the_options_of_the_normalizer_reach_its_layers(make: Make) -> None:
    network = make(width=4, blocks=0, norm={"type": "instance", "affine": True})
    norms = [m for m in network.modules() if isinstance(m, nn.InstanceNorm2d)]
    assert len(norms) == 5
    assert all(m.affine for m in norms)
    assert not any(m.affine for m in make(width=4).modules() if isinstance(m, nn.InstanceNorm2d))
