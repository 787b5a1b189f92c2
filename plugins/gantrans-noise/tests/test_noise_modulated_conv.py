from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gantrans_noise.modulated_conv import ModulatedConv2d, modulated_conv2d


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def unfused(x: Tensor, weight: Tensor, style: Tensor, *, demodulate: bool) -> Tensor:
    """Scale what goes in by the style, convolve, scale what comes out by the demodulation."""
    y = F.conv2d(x * style[:, :, None, None], weight, padding=weight.shape[-1] // 2)
    if demodulate:
        lengths = torch.einsum("oikl,ni->no", weight.square(), style.square())
        y = y / (lengths + 1e-8).sqrt()[:, :, None, None]
    return y


@pytest.mark.parametrize("demodulate", [True, False])
@pytest.mark.parametrize("kernel", [1, 3])
def test_one_grouped_convolution_is_the_scaled_one_gradients_too(
    kernel: int, demodulate: bool
) -> None:
    x, style, weight = noise(3, 5, 6, 7), noise(3, 5, seed=2), noise(4, 5, kernel, kernel, seed=3)
    seen = noise(3, 4, 6, 7, seed=4)
    found: list[list[Tensor | None]] = []
    for way in (modulated_conv2d, unfused):
        inputs = [t.clone().requires_grad_() for t in (x, weight, style)]
        y = way(*inputs, demodulate=demodulate)
        (y * seen).sum().backward()
        found.append([y, *(t.grad for t in inputs)])

    for fused, plain in zip(*found, strict=True):
        assert fused is not None
        torch.testing.assert_close(fused, plain, rtol=1e-5, atol=1e-5)


def test_demodulated_outputs_have_unit_variance_for_inputs_of_unit_variance() -> None:
    x = noise(2, 32, 40, 40)
    style = 5 * noise(2, 32, seed=2)  # far from 1
    weight = noise(16, 32, 3, 3, seed=3)

    y = modulated_conv2d(x, weight, style, demodulate=True)[:, :, 1:-1, 1:-1]
    raw = modulated_conv2d(x, weight, style, demodulate=False)[:, :, 1:-1, 1:-1]

    # 2 * 1444 values a channel, neighbours of which depend on each other.
    assert (y.var(dim=(0, 2, 3)) - 1).abs().max() < 0.15
    assert raw.var() > 100


def test_the_style_of_w_starts_at_one() -> None:
    torch.manual_seed(0)
    layer = ModulatedConv2d(5, 4, 3, latent=6)
    x, nothing = noise(2, 5, 6, 6), torch.zeros(2, 6)

    wanted = unfused(x, layer.weight / math.sqrt(45), torch.ones(2, 5), demodulate=True)

    torch.testing.assert_close(layer(x, nothing), wanted, rtol=1e-5, atol=1e-5)
