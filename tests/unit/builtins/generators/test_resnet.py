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


def blurred(y: Tensor) -> Tensor:
    """Every other pixel of the image after [1, 2, 1] / 4 along both sides."""
    for turned in (False, True):
        y = y.mT if turned else y
        y = F.pad(y, (1, 1, 0, 0), mode="reflect")
        y = (y[..., :-2] + 2 * y[..., 1:-1] + y[..., 2:])[..., ::2] / 4
        y = y.mT if turned else y
    return y


def from_the_formulas(
    x: Tensor, weights: Iterator[Tensor], blocks: int, blur: bool = False
) -> tuple[Tensor, dict[str, Tensor]]:
    """The generator with instance norm, written with functions; `weights` in order of use.

    And what stands where in CUT's list of layers: 0, 4, 8, 12, 16 are named here.
    """
    features: dict[str, Tensor] = {}

    def norm(y: Tensor) -> Tensor:
        mean = y.mean(dim=(2, 3), keepdim=True)
        variance = y.var(dim=(2, 3), keepdim=True, unbiased=False)
        return (y - mean) / torch.sqrt(variance + 1e-5)

    def conv(y: Tensor, reflect: int = 0, **how: int) -> Tensor:
        return F.conv2d(
            F.pad(y, (reflect,) * 4, mode="reflect"), next(weights), next(weights), **how
        )

    features["image"] = F.pad(x, (3,) * 4, mode="reflect")
    y = features["stem"] = conv(x, reflect=3)
    y = F.relu(norm(y))
    for name in ("down1", "down2"):
        y = features[name] = conv(y, stride=1 if blur else 2, padding=1)
        y = F.relu(norm(y))
        y = blurred(y) if blur else y
    for number in range(blocks):
        inner = F.relu(norm(conv(y, reflect=1)))
        y = features[f"block{number + 1}"] = y + norm(conv(inner, reflect=1))
    for _ in range(2):
        if blur:
            y = conv(F.interpolate(y, scale_factor=2, mode="bilinear"), padding=1)
        else:
            y = F.conv_transpose2d(
                y, next(weights), next(weights), stride=2, padding=1, output_padding=1
            )
        y = F.relu(norm(y))
    return torch.tanh(conv(y, reflect=3)), features


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


def test_the_cut_preset_is_antialiased_and_has_no_more_weights(make: Make) -> None:
    """11,378,179: a convolution after interpolation has the size of the transposed one."""
    with torch.device("meta"):
        network = make(preset="cut")
    assert count(network) == 11_378_179
    assert not any(isinstance(m, nn.ConvTranspose2d) for m in network.modules())
    assert all(m.stride == (1, 1) for m in network.modules() if isinstance(m, nn.Conv2d))
    ends = [64, 128, 256, *[256] * 18, 128, 64, 3]
    sides = [7, *[3] * 22, 7]
    given = [3, *ends[:-1]]
    arithmetic = sum(k * k * a * b + b for a, b, k in zip(given, ends, sides, strict=True))
    assert arithmetic == 11_378_179


def test_the_names_of_the_default_weights_stay_so_that_old_files_can_be_read(make: Make) -> None:
    with torch.device("meta"):
        names = list(make().state_dict())
    outer = [f"layers.{n}" for n in (1, 4, 7)]
    blocks = [f"layers.{n}.layers.{m}" for n in range(10, 19) for m in (1, 5)]
    last = [f"layers.{n}" for n in (19, 22, 26)]
    both = [f"{at}.{part}" for at in outer + blocks + last for part in ("weight", "bias")]
    assert names == both
    assert len(names) == 48


@pytest.mark.parametrize("blur", [False, True])
def test_it_computes_what_the_formulas_say(make: Make, blur: bool) -> None:
    how = {"downsample": "blur", "upsample": "blur"} if blur else {}
    network = make(width=4, blocks=2, **how).double()
    for weight in network.parameters():
        nn.init.normal_(weight, std=0.3)
    image = torch.rand(2, 3, 20, 28, dtype=torch.float64) * 2 - 1
    expected, features = from_the_formulas(image, iter(network.parameters()), blocks=2, blur=blur)
    assert torch.allclose(network(image), expected, rtol=1e-9, atol=1e-12)
    found = network.encoder_features(image, list(features))
    assert list(found) == list(network.encoder_layers()) == list(features)
    for name, value in features.items():
        assert torch.allclose(found[name], value, rtol=1e-9, atol=1e-12)


def test_channels_double_twice_and_halve_twice(make: Make) -> None:
    network = make(width=8, blocks=1, in_channels=1, out_channels=3)
    ends = [(m.in_channels, m.out_channels) for m in convolutions(network)]
    assert ends == [(1, 8), (8, 16), (16, 32), (32, 32), (32, 32), (32, 16), (16, 8), (8, 3)]


def test_halvings_say_how_often_the_size_is_halved_and_the_channels_doubled(make: Make) -> None:
    network = make(width=8, blocks=1, halvings=1)
    ends = [(m.in_channels, m.out_channels) for m in convolutions(network)]
    assert ends == [(3, 8), (8, 16), (16, 16), (16, 16), (16, 8), (8, 3)]
    features = network.encoder_features(torch.zeros(1, 3, 12, 6), ["block1"])
    assert features["block1"].shape == (1, 16, 6, 3)
    network = make(width=1, blocks=1, halvings=3)
    assert (network.multiple_of, network.min_size) == (8, 16)
    assert network(torch.zeros(1, 3, 16, 24)).shape == (1, 3, 16, 24)


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


@pytest.mark.parametrize("downsample", ["stride", "blur"])
@pytest.mark.parametrize("upsample", ["transpose", "nearest", "blur"])
def test_it_ends_with_the_size_it_began_with(make: Make, upsample: str, downsample: str) -> None:
    network = make(width=4, blocks=1, upsample=upsample, downsample=downsample)
    assert network(torch.zeros(1, 3, 16, 24)).shape == (1, 3, 16, 24)
    least = network.min_size
    assert network(torch.zeros(1, 3, least, least)).shape == (1, 3, least, least)


@pytest.mark.parametrize("upsample", ["nearest", "blur"])
def test_other_upsampling_has_no_transposed_convolution_and_leaves_no_checkerboard(
    make: Make, upsample: str
) -> None:
    """On a constant image every kernel of a stride-1 convolution sees the same thing."""
    other = make(width=4, blocks=0, upsample=upsample, norm="none")
    assert not any(isinstance(m, nn.ConvTranspose2d) for m in other.modules())
    inside = other(torch.full((1, 3, 48, 48), 0.5))[..., 20:28, 20:28]
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


def test_the_cut_preset_has_its_features_where_cut_has_them(make: Make) -> None:
    """nce_layers 0, 4, 8, 12, 16 of the authors' code count the modules of a flat list."""
    network = make(preset="cut", width=4)
    modules = next(network.children())
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    names = ["image", "down1", "down2", "block1", "block5"]
    features = network.encoder_features(image, names)
    x, expected = image, []
    for place, module in enumerate(modules.children()):
        x = module(x)
        if place in (0, 4, 8, 12, 16):
            expected.append(x.clone())
    assert all(torch.equal(features[n], one) for n, one in zip(names, expected, strict=True))
    shapes = [(3, 38, 38), (8, 32, 32), (16, 16, 16), (16, 8, 8), (16, 8, 8)]
    assert [tuple(f.shape[1:]) for f in features.values()] == shapes
