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

WEIGHTS = ("weight", "bias")


@pytest.fixture
def make(builtins: Registry) -> Make:
    def build(in_channels: int = 3, **settings: Any) -> Discriminator:
        torch.manual_seed(0)
        return builtins.config("discriminator", "patchgan", settings).build(in_channels=in_channels)

    return build


def from_the_formulas(x: Tensor, weights: Iterator[Tensor], downsample: str) -> Tensor:
    """Three layers with instance norm, written with functions; `weights` in order of use."""
    blurs = downsample == "blur"

    def conv(y: Tensor, stride: int) -> Tensor:
        stride = 1 if blurs else stride
        return F.conv2d(y, next(weights), next(weights), stride=stride, padding=1)

    def blurred(y: Tensor) -> Tensor:
        """Every other pixel of the image after [1, 2, 1] / 4 along both sides."""
        for _ in range(2):
            y = F.pad(y, (1, 1, 0, 0), mode="reflect")
            y = ((y[..., :-2] + 2 * y[..., 1:-1] + y[..., 2:])[..., ::2] / 4).mT
        return y

    def norm(y: Tensor) -> Tensor:
        mean = y.mean(dim=(2, 3), keepdim=True)
        variance = y.var(dim=(2, 3), keepdim=True, unbiased=False)
        return (y - mean) / torch.sqrt(variance + 1e-5)

    y = F.leaky_relu(conv(x, 2), 0.2)
    for stride in (2, 2, 1):
        y = blurred(y) if blurs else y  # what a stride of 2 before it has left to do
        y = F.leaky_relu(norm(conv(y, stride)), 0.2)
    return conv(y, 1)


@pytest.mark.parametrize("downsample", ["stride", "blur"])
def test_the_published_network_has_2_764_737_parameters(make: Make, downsample: str) -> None:
    with torch.device("meta"):
        network = make(downsample=downsample)
    assert sum(weight.numel() for weight in network.parameters()) == 2_764_737


@pytest.mark.parametrize("downsample", ["stride", "blur"])
def test_it_computes_what_the_formulas_say(make: Make, downsample: str) -> None:
    network = make(width=4, downsample=downsample).double()
    for weight in network.parameters():
        nn.init.normal_(weight, std=0.3)
    image = torch.rand(2, 3, 40, 56, dtype=torch.float64) * 2 - 1
    expected = from_the_formulas(image, iter(network.parameters()), downsample)
    assert torch.allclose(network(image), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("downsample", ["stride", "blur"])
def test_256_px_give_30_by_30_scores(make: Make, downsample: str) -> None:
    with torch.device("meta"):
        network = make(downsample=downsample)
        assert network(torch.empty(1, 3, 256, 256)).shape == (1, 1, 30, 30)


def test_the_names_of_the_default_weights_stay_so_that_old_files_can_be_read(make: Make) -> None:
    at = [f"layers.{n}" for n in (0, 2, 5, 8, 11)]
    assert list(make(width=2).state_dict()) == [f"{n}.{part}" for n in at for part in WEIGHTS]


def patch_with_blur(layers: int) -> int:
    """From one score back: a convolution adds 3 pixels, a blur doubles the distances and adds 2."""
    side = 1 + 3 + 3
    for _ in range(layers):
        side = (2 * (side - 1) + 1) + 2 + 3
    return side


@pytest.mark.parametrize(
    ("layers", "side", "downsample"),
    [
        *[(1, 16, "stride"), (2, 34, "stride"), (3, 70, "stride"), (4, 142, "stride")],
        *[(1, 18, "blur"), (2, 40, "blur"), (3, 84, "blur"), (4, 172, "blur")],
    ],
)
def test_a_score_sees_a_square_patch(make: Make, layers: int, side: int, downsample: str) -> None:
    """The pixels that a score has a gradient to; without norm, which looks at all of them."""
    assert downsample == "stride" or side == patch_with_blur(layers)
    network = make(width=2, layers=layers, norm="none", downsample=downsample)
    for weight in network.parameters():
        nn.init.constant_(weight, 0.01)  # no gradient can cancel
    image = torch.full((1, 3, 384, 384), 0.5, requires_grad=True)
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


def kind_of(layer: nn.Module) -> type[nn.Module]:
    return nn.InstanceNorm2d if isinstance(layer, nn.InstanceNorm2d) else type(layer)


def test_the_first_and_the_last_layer_are_not_normalised(make: Make) -> None:
    kinds = [kind_of(m) for m in make(width=4).modules()][2:]
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


@pytest.mark.parametrize("downsample", ["stride", "blur"])
def test_smaller_images_than_it_says_do_not_work(make: Make, downsample: str) -> None:
    for layers in (1, 2, 3):
        network = make(width=2, layers=layers, downsample=downsample)
        least = network.min_size
        assert network(torch.zeros(1, 3, least, least)).shape == (1, 1, 1, 1)
        with pytest.raises((RuntimeError, ValueError)):
            network(torch.zeros(1, 3, least - 1, least - 1))
