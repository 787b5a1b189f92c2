from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gantrans_noise.equalized import EqualizedConv2d, EqualizedLinear, leaky_relu


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_weights_are_normal_and_scaled_where_they_are_used() -> None:
    torch.manual_seed(0)
    linear, conv = EqualizedLinear(400, 300, rate=0.01), EqualizedConv2d(50, 60, 3)

    assert linear.weight.std().item() == pytest.approx(100, rel=0.01)
    assert conv.weight.std().item() == pytest.approx(1, rel=0.02)
    x, y = noise(3, 400), noise(2, 50, 5, 4)
    torch.testing.assert_close(linear(x), x @ (linear.weight * 0.01 / 20).T)
    torch.testing.assert_close(
        conv(y), F.conv2d(y, conv.weight / math.sqrt(50 * 9), padding=1), rtol=1e-4, atol=1e-5
    )


def test_a_layer_with_a_lower_rate_changes_less_for_the_same_step_of_adam() -> None:
    x = noise(1, 8)

    def change(rate: float) -> float:
        torch.manual_seed(0)
        layer = EqualizedLinear(8, 1, rate=rate)
        before = layer(x).detach()
        optimizer = torch.optim.Adam(layer.parameters(), lr=1e-3)
        layer(x).sum().backward()
        optimizer.step()
        return float((layer(x) - before).detach().abs())

    assert change(0.01) == pytest.approx(0.01 * change(1.0), rel=1e-2)


def test_a_bias_starts_from_what_is_asked_for_whatever_the_rate() -> None:
    layer = EqualizedLinear(3, 2, bias=1.0, rate=0.01)

    torch.testing.assert_close(layer(torch.zeros(1, 3)), torch.ones(1, 2))


def test_leaky_relu_keeps_the_mean_square_nearly() -> None:
    x = noise(100_000)

    wanted = 2 * (1 + 0.2**2) / 2  # half of the values are scaled by 0.2, all by sqrt(2)
    assert leaky_relu(x).square().mean().item() == pytest.approx(wanted, rel=0.02)
