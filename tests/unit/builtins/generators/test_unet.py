"""Against Isola et al. 2017, section 6.1.1, and section 6 of the design."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantrans.api.generator import Generator
from gantrans.errors import PluginError, SpecError
from gantrans.plugin.registry import Registry
from gantrans.training.step import TrainingStep
from receptive_field import sides_seen
from tiny_run import steps_of, tiny_job

Make = Callable[..., Generator]


@pytest.fixture
def make(builtins: Registry) -> Make:
    def build(in_channels: int = 3, out_channels: int = 3, **settings: Any) -> Generator:
        torch.manual_seed(0)
        config = builtins.config("generator", "unet", settings)
        return config.build(in_channels=in_channels, out_channels=out_channels)

    return build


def count(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def in_order_of_use(network: nn.Module, x: Tensor, *kinds: type[nn.Module]) -> list[Any]:
    """(layer, its result) for each layer of these kinds, as a pass over `x` meets them."""
    met: list[Any] = []
    hooks = [
        layer.register_forward_hook(lambda layer, _, y: met.append((layer, y)))
        for layer in network.modules()
        if isinstance(layer, kinds)
    ]
    network(x)
    for hook in hooks:
        hook.remove()
    return met


def published_convolutions(sides: int, width: int = 64) -> list[tuple[int, int]]:
    """(in, out) of the published network's convolutions, written out for eight and seven levels.

    Encoder C64-C128-C256-C512-..., decoder the other way with twice the channels from the skips.
    """
    encoder = {
        8: [(3, 1), (1, 2), (2, 4), (4, 8), (8, 8), (8, 8), (8, 8), (8, 8)],
        7: [(3, 1), (1, 2), (2, 4), (4, 8), (8, 8), (8, 8), (8, 8)],
    }[sides]
    decoder = {
        8: [(8, 8), (16, 8), (16, 8), (16, 8), (16, 4), (8, 2), (4, 1), (2, 3)],
        7: [(8, 8), (16, 8), (16, 8), (16, 4), (8, 2), (4, 1), (2, 3)],
    }[sides]
    (_, first), *inner = encoder
    *outer, (last, _) = decoder
    return [
        (3, first * width),
        *((a * width, b * width) for a, b in inner + outer),
        (last * width, 3),
    ]


def from_the_paper(network: nn.Module, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    """The network as the paper draws it, one level inside the other, with instance norm.

    And what its halving convolutions give, from the outermost on.
    """
    halved: list[Tensor] = []
    used = in_order_of_use(network, x, nn.Conv2d, nn.ConvTranspose2d)
    depth = len(used) // 2
    weights = [(layer.weight, layer.bias) for layer, _ in used]

    def norm(y: Tensor) -> Tensor:
        mean = y.mean(dim=(2, 3), keepdim=True)
        variance = y.var(dim=(2, 3), keepdim=True, unbiased=False)
        return (y - mean) / torch.sqrt(variance + 1e-5)

    def level(n: int, x: Tensor) -> Tensor:
        weight, bias = weights[n - 1]
        down = F.conv2d(x, weight, bias, stride=2, padding=1)
        halved.append(down)
        if n == depth:
            inside = down
        else:
            kept = norm(down) if n > 1 else down
            inside = torch.cat([kept, level(n + 1, F.leaky_relu(kept, 0.2))], dim=1)
        weight, bias = weights[-n]
        up = F.conv_transpose2d(F.relu(inside), weight, bias, stride=2, padding=1)
        return norm(up) if n > 1 else torch.tanh(up)

    return level(1, x), halved


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_it_computes_what_the_paper_says(make: Make, depth: int) -> None:
    network = make(width=4, depth=depth).double()
    for weight in network.parameters():
        nn.init.normal_(weight, std=0.3)
    side = 2**depth
    image = torch.rand(2, 3, side, 2 * side, dtype=torch.float64) * 2 - 1
    expected, halved = from_the_paper(network, image)
    assert torch.allclose(network(image), expected, rtol=1e-9, atol=1e-12)
    names = network.encoder_layers()
    assert names == ("image", *(f"down{n}" for n in range(1, depth + 1)))
    features = network.encoder_features(image, names)
    for name, value in zip(names, [image, *halved], strict=True):
        assert torch.allclose(features[name], value, rtol=1e-9, atol=1e-12)


def test_unet_256_has_54_409_603_parameters_and_is_the_default(make: Make) -> None:
    with torch.device("meta"):
        assert count(make()) == count(make(preset="256")) == 54_409_603
    assert sum(16 * a * b + b for a, b in published_convolutions(8)) == 54_409_603


def test_the_pix2pix_preset_is_the_papers_network(make: Make) -> None:
    """Section 6.1.1: eight halvings, batch norm, dropout of 1/2 after three doublings."""
    with torch.device("meta"):
        network = make(preset="pix2pix")
    assert network.multiple_of == 256
    # Scales and shifts of batch norm instead of biases; the first and the last convolution have
    # none, nor has the one that leaves a single pixel.
    convolutions = published_convolutions(8)
    normed = [b for n, (_, b) in enumerate(convolutions) if n not in (0, 7, 15)]
    products = sum(16 * a * b for a, b in convolutions)
    assert count(network) == products + 2 * sum(normed) + 3
    dropped = [m.p for m in network.modules() if isinstance(m, nn.Dropout)]
    assert dropped == [0.5] * 3


def test_unet_128_has_a_level_less(make: Make) -> None:
    with torch.device("meta"):
        network = make(preset="128")
    assert count(network) == sum(16 * a * b + b for a, b in published_convolutions(7))
    assert network.multiple_of == 128


@pytest.mark.parametrize("norm", ["instance", "group", "layer", "none"])
def test_every_convolution_has_a_bias(make: Make, norm: str) -> None:
    layers = [m for m in make(width=4, depth=3, norm=norm).modules() if hasattr(m, "kernel_size")]
    assert len(layers) == 6
    assert all(layer.bias is not None for layer in layers)


def test_with_batch_norm_only_the_last_convolution_has_a_bias(make: Make) -> None:
    """As in the papers' code, which prints 54.414 M parameters for it."""
    network = make(width=4, depth=3, norm="batch")
    used = in_order_of_use(network, torch.zeros(2, 3, 8, 8), nn.Conv2d, nn.ConvTranspose2d)
    assert [layer.bias is not None for layer, _ in used] == [False] * 5 + [True]
    with torch.device("meta"):
        assert round(count(make(norm="batch")) / 1e6, 3) == 54.414


def test_channels_double_up_to_eight_times_the_width_and_skips_double_them(make: Make) -> None:
    network = make(in_channels=1, out_channels=2, width=4, depth=6)
    used = in_order_of_use(network, torch.zeros(1, 1, 64, 64), nn.Conv2d, nn.ConvTranspose2d)
    ends = [(layer.in_channels, layer.out_channels) for layer, _ in used]
    assert ends[:6] == [(1, 4), (4, 8), (8, 16), (16, 32), (32, 32), (32, 32)]
    assert ends[6:] == [(32, 32), (64, 32), (64, 16), (32, 8), (16, 4), (8, 2)]


@pytest.mark.parametrize("norm", ["instance", "layer", "batch"])
def test_the_smallest_images_can_be_trained_on(make: Make, norm: str) -> None:
    """Where one pixel is left there is no norm, which would turn it to 0 or refuse it."""
    for depth in (2, 4):
        network = make(width=4, depth=depth, norm=norm).train()
        side = 2**depth
        assert network.min_size == network.multiple_of == side
        image = torch.rand(1, 3, side, side) * 2 - 1
        network(image).square().mean().backward()
        used = in_order_of_use(network, image, nn.Conv2d)
        assert used[-1][1].shape[2:] == (1, 1)
        assert all(weight.grad is not None for weight in network.parameters())


@pytest.mark.parametrize(("depth", "sides"), [(8, [2, 4, 8]), (7, [2, 4]), (6, [2]), (5, [])])
def test_dropout_follows_the_innermost_doublings_of_full_width(
    make: Make, depth: int, sides: list[int]
) -> None:
    """CD512-CD512-CD512-C512-C256-...: the last of full width has none."""
    network = make(width=1, depth=depth, dropout=0.5)
    met = in_order_of_use(network, torch.zeros(1, 3, 2**depth, 2**depth), nn.Dropout)
    assert [y.shape[1:] for _, y in met] == [(8, side, side) for side in sides]
    assert all(layer.p == 0.5 for layer, _ in met)
    assert not any(isinstance(m, nn.Dropout) for m in make(width=1, depth=depth).modules())


@pytest.mark.parametrize("depth", [2, 4])
@pytest.mark.parametrize("upsample", ["nearest", "blur"])
def test_other_upsampling_has_no_transposed_convolution(
    make: Make, depth: int, upsample: str
) -> None:
    network = make(width=4, depth=depth, upsample=upsample)
    assert not any(isinstance(m, nn.ConvTranspose2d) for m in network.modules())
    image = torch.zeros(1, 3, 2**depth, 2 ** (depth + 1))
    assert network(image).shape == image.shape


def test_details_can_pass_beside_the_innermost_levels(make: Make) -> None:
    """With the way through the middle cut, an output still depends on the pixel at its place."""
    network = make(width=4, depth=4, norm="none")
    image = torch.zeros(1, 3, 16, 16, requires_grad=True)
    middle = [layer for layer, _ in in_order_of_use(network, image, nn.Conv2d)][-1]
    nn.init.zeros_(middle.weight)
    nn.init.zeros_(middle.bias)
    network(image)[0, 0, 7, 7].backward()
    assert image.grad is not None
    assert image.grad[0, :, 7, 7].any()


@pytest.mark.parametrize("depth", [2, 3])
def test_a_pixel_sees_up_to_five_times_2_to_the_depth_pixels_less_two(
    make: Make, depth: int
) -> None:
    network = make(width=1, depth=depth, norm="none").double()
    assert max(sides_seen(network, side=96)) == 5 * 2**depth - 2


def test_an_unknown_preset_is_refused_with_those_there_are(make: Make) -> None:
    with pytest.raises(
        PluginError, match=r"no preset is called 'big' \(there are: 128, 256, pix2pix\)"
    ):
        make(preset="big")
    with pytest.raises(PluginError, match="depth: must be at least 2"):
        make(depth=1)


def test_a_crop_that_cannot_be_halved_so_often_is_refused_before_training() -> None:
    crop = {"size": 64, "transform": {"crop": 64}}
    wanted = "64 is no multiple of 256, which the generator 'unet' needs; the next is 256"
    with pytest.raises(SpecError, match=wanted):
        tiny_job(data=crop, generator={"type": "unet", "width": 4, "blocks": None})


def test_a_run_trains_every_level() -> None:
    job = tiny_job(generator={"type": "unet", "width": 4, "depth": 5, "blocks": None})
    network = job.method.networks["generator_ab"]
    before = {name: weight.clone() for name, weight in network.named_parameters()}
    [batches] = steps_of(job, 1)
    TrainingStep(job)(0, batches)
    weights = [name for name in before if name.endswith("weight")]
    assert len(weights) == 10
    after = dict(network.named_parameters())
    assert not any(torch.equal(after[name], before[name]) for name in weights)
