"""Against section 6 of the design: Isola et al. 2017, section 6.1.2."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from gantrans.api.discriminator import Discriminator
from gantrans.plugin.registry import Registry


def pixel(builtins: Registry, in_channels: int = 3, **settings: Any) -> Discriminator:
    torch.manual_seed(0)
    config = builtins.config("discriminator", "pixel", settings)
    made: Discriminator = config.build(in_channels=in_channels)
    return made


def test_the_published_network_has_8_705_parameters(builtins: Registry) -> None:
    assert sum(weight.numel() for weight in pixel(builtins).parameters()) == 8_705


def test_it_is_one_small_network_of_linear_layers_for_each_pixel(builtins: Registry) -> None:
    network = pixel(builtins, width=5, norm="none").double()
    images = torch.rand(2, 3, 6, 7, dtype=torch.float64) * 2 - 1
    first, second, third = (m for m in network.modules() if isinstance(m, nn.Conv2d))
    y = images.permute(0, 2, 3, 1)
    for layer in (first, second):
        y = F.leaky_relu(y @ layer.weight[:, :, 0, 0].T + layer.bias, 0.2)
    y = y @ third.weight[:, :, 0, 0].T + third.bias
    assert [first.out_channels, second.out_channels] == [5, 10]
    assert torch.allclose(network(images), y.permute(0, 3, 1, 2), rtol=1e-9, atol=1e-12)


def test_a_score_sees_one_pixel(builtins: Registry) -> None:
    image = torch.rand(1, 3, 8, 8, requires_grad=True)
    pixel(builtins, norm="none")(image)[0, 0, 3, 5].backward()
    assert image.grad is not None
    assert image.grad[0].abs().sum(0).nonzero().tolist() == [[3, 5]]


def test_only_the_second_layer_is_normalised(builtins: Registry) -> None:
    layers = list(pixel(builtins).modules())[2:]
    expected = [nn.Conv2d, nn.LeakyReLU, nn.Conv2d, nn.InstanceNorm2d, nn.LeakyReLU, nn.Conv2d]
    assert len(layers) == len(expected)
    assert all(isinstance(*pair) for pair in zip(layers, expected, strict=True))
    with_batch_norm = pixel(builtins, norm="batch")
    biases = [m.bias is not None for m in with_batch_norm.modules() if isinstance(m, nn.Conv2d)]
    assert biases == [True, False, True]
    assert with_batch_norm.couples_batch
    assert not pixel(builtins).couples_batch


def test_smaller_images_than_it_says_do_not_work(builtins: Registry) -> None:
    network = pixel(builtins)
    assert network(torch.zeros(1, 3, 2, 2)).shape == (1, 1, 2, 2)
    assert network.min_size == 2
    with pytest.raises(ValueError, match="more than 1 spatial element"):
        network(torch.zeros(1, 3, 1, 1))
