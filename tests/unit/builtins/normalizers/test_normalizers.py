from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gantrans.plugin.registry import Registry


def layer(builtins: Registry, name: str, channels: int = 6, **settings: Any) -> nn.Module:
    made: nn.Module = builtins.config("normalizer", name, settings).build().layer(channels)
    return made


@pytest.fixture
def images() -> Tensor:
    """Of images and channels with different means and spreads."""
    random = torch.Generator().manual_seed(0)
    spread = torch.arange(1.0, 25.0).reshape(4, 6, 1, 1)
    return torch.randn(4, 6, 8, 8, generator=random) * spread + spread


def test_instance_norm_gives_each_channel_of_each_image_mean_0_and_variance_1(
    builtins: Registry, images: Tensor
) -> None:
    y = layer(builtins, "instance")(images)
    assert torch.allclose(y.mean(dim=(2, 3)), torch.zeros(4, 6), atol=1e-5)
    assert torch.allclose(y.var(dim=(2, 3), unbiased=False), torch.ones(4, 6), atol=1e-3)


def test_instance_norm_does_the_same_in_use_as_in_training(
    builtins: Registry, images: Tensor
) -> None:
    norm = layer(builtins, "instance")
    assert torch.equal(norm.train()(images), norm.eval()(images))


def test_instance_norm_has_no_affine_part_unless_asked(builtins: Registry) -> None:
    assert not list(layer(builtins, "instance").parameters())
    assert len(list(layer(builtins, "instance", affine=True).parameters())) == 2


NORMS_OF_CHANNELS: list[tuple[str, dict[str, Any]]] = [
    ("instance", {}),
    ("instance", {"affine": True}),
    ("group", {"groups": 6}),
]
"""Each channel of each image apart; the second and the third learn a scale and a shift."""


@pytest.mark.parametrize(("name", "settings"), NORMS_OF_CHANNELS)
def test_in_use_a_map_that_is_constant_up_to_rounding_becomes_the_shift(
    builtins: Registry, images: Tensor, name: str, settings: dict[str, Any]
) -> None:
    norm = layer(builtins, name, **settings)
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    shift = torch.zeros(6) if getattr(norm, "bias", None) is None else norm.bias
    rounded = torch.linspace(-3, 2, 6)[:, None, None] * (1 + 1e-7 * images[1].sign())
    x = torch.stack([images[0], rounded, torch.zeros(6, 8, 8)])
    plain = norm.train()(x)
    y = norm.eval()(x)
    assert torch.equal(y[0], plain[0])  # another image of the batch
    assert torch.equal(y[1], shift[:, None, None].expand(6, 8, 8))
    assert torch.equal(y[2], y[1])
    assert not torch.equal(plain[1], y[1])


@pytest.mark.parametrize(("name", "settings"), NORMS_OF_CHANNELS)
def test_in_use_one_pixel_of_one_channel_keeps_a_map_as_it_is(
    builtins: Registry, name: str, settings: dict[str, Any]
) -> None:
    norm = layer(builtins, name, **settings)
    x = torch.ones(1, 6, 64, 64)
    x[0, 2, 7, 9] += 1e-4  # the least that one level of 255 in one pixel makes of it is 8e-4
    assert torch.equal(norm.eval()(x), norm.train()(x))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(("name", "settings"), NORMS_OF_CHANNELS)
def test_in_use_what_is_no_number_stays_none(
    builtins: Registry, name: str, settings: dict[str, Any], value: float
) -> None:
    norm = layer(builtins, name, **settings).eval()
    one, every = torch.ones(1, 6, 8, 8), torch.full((1, 6, 8, 8), value)
    one[0, 2, 7, 1] = value
    assert norm(one)[0, 2].isnan().all()
    assert norm(every).isnan().all()


def test_batch_norm_takes_each_channel_over_the_batch(builtins: Registry, images: Tensor) -> None:
    y = layer(builtins, "batch")(images)
    assert torch.allclose(y.mean(dim=(0, 2, 3)), torch.zeros(6), atol=1e-5)
    assert torch.allclose(y.var(dim=(0, 2, 3), unbiased=False), torch.ones(6), atol=1e-3)
    assert y.mean(dim=(2, 3)).abs().max() > 0.1  # not each image apart


def test_batch_norm_uses_what_it_has_learned_of_the_data_afterwards(
    builtins: Registry, images: Tensor
) -> None:
    norm = layer(builtins, "batch")
    for _ in range(200):
        norm(images)
    one = norm.eval()(images[:1])
    mean = images.mean(dim=(0, 2, 3)).reshape(6, 1, 1)
    variance = images.var(dim=(0, 2, 3)).reshape(6, 1, 1)
    assert torch.allclose(one[0], (images[0] - mean) / variance.sqrt(), atol=1e-3)


@pytest.mark.parametrize(
    ("groups", "channels", "used"), [(2, 6, 2), (3, 6, 3), (32, 6, 2), (32, 64, 32), (4, 6, 2)]
)
def test_group_norm_uses_the_greatest_number_of_groups_that_fits(
    builtins: Registry, groups: int, channels: int, used: int
) -> None:
    norm = layer(builtins, "group", channels, groups=groups)
    y = norm(torch.randn(2, channels, 4, 4) * 3 + 1)
    grouped = y.reshape(2, used, -1)
    assert torch.allclose(grouped.mean(2), torch.zeros(2, used), atol=1e-5)
    assert torch.allclose(grouped.var(2, unbiased=False), torch.ones(2, used), atol=1e-3)
    assert norm.num_groups == used


def test_none_gives_back_what_it_gets(builtins: Registry, images: Tensor) -> None:
    assert torch.equal(layer(builtins, "none")(images), images)


def test_layer_norm_takes_all_channels_and_pixels_of_an_image_together(
    builtins: Registry, images: Tensor
) -> None:
    norm = layer(builtins, "layer")
    expected = []
    for image in images.double():
        mean = image.sum() / image.numel()
        variance = (image - mean).square().sum() / image.numel()
        expected.append((image - mean) / (variance + 1e-5).sqrt())
    assert torch.allclose(norm(images).double(), torch.stack(expected), atol=1e-5)
    assert torch.allclose(norm(images[2:3]), norm(images)[2:3], atol=1e-6)  # not of its batch


def test_layer_norm_keeps_how_strong_channels_are_beside_each_other(
    builtins: Registry, images: Tensor
) -> None:
    before, after = images[0].std(dim=(1, 2)), layer(builtins, "layer")(images)[0].std(dim=(1, 2))
    assert torch.allclose(after / after[0], before / before[0], rtol=1e-4)


def test_layer_norm_learns_a_scale_and_a_shift_for_each_channel(
    builtins: Registry, images: Tensor
) -> None:
    norm = layer(builtins, "layer")
    plain = norm(images)
    assert [weight.shape for weight in norm.parameters()] == [(6,), (6,)]
    scale, shift = torch.arange(1.0, 7.0), torch.arange(6.0)
    with torch.no_grad():
        norm.weight.copy_(scale)
        norm.bias.copy_(shift)
    expected = plain * scale.reshape(6, 1, 1) + shift.reshape(6, 1, 1)
    assert torch.allclose(norm(images), expected, atol=1e-5)
