from __future__ import annotations

from typing import Any

import pytest
import torch

KIND = "normalizer"


@pytest.mark.parametrize("channels", [1, 4, 48, 64])
def test_a_layer_keeps_the_shape_and_lets_the_gradient_through(config: Any, channels: int) -> None:
    layer = config.build().layer(channels)
    x = torch.randn(2, channels, 6, 8, requires_grad=True)
    y = layer(x)
    assert y.shape == x.shape
    assert torch.isfinite(y).all()
    (y * torch.randn_like(y)).sum().backward()
    assert x.grad is not None
    assert x.grad.any()


def test_each_layer_is_one_of_its_own(config: Any) -> None:
    normalizer = config.build()
    assert normalizer.layer(4) is not normalizer.layer(4)


def test_it_says_whether_an_image_depends_on_its_batch(config: Any) -> None:
    normalizer = config.build()
    layer = normalizer.layer(4).train()
    x = torch.randn(2, 4, 6, 6) * torch.tensor([1.0, 5.0]).reshape(2, 1, 1, 1)
    with torch.no_grad():
        apart = torch.allclose(layer(x), torch.cat([layer(x[:1]), layer(x[1:])]), atol=1e-5)
    assert apart is not normalizer.couples_batch


def test_a_layer_that_cancels_the_bias_has_a_shift_of_its_own(config: Any) -> None:
    """Adding a constant before it changes nothing, so its own shift is all that is left."""
    normalizer = config.build()
    if not normalizer.cancels_bias:
        pytest.skip("convolutions in front of it keep their bias")
    layer = normalizer.layer(4).train()
    x = torch.randn(2, 4, 6, 6)
    assert torch.allclose(layer(x + 3), layer(x), atol=1e-4)
    assert getattr(layer, "bias", None) is not None
