"""The loss keeps gantrans' contract, and computes what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gantrans
import pytest
import torch

NAME = "keep_contrast"


@pytest.mark.gantrans("gantrans-keep-contrast")
def test_it_keeps_the_contract(component_check: Callable[[], None]) -> None:
    component_check()


def loss(**settings: Any) -> Any:
    return gantrans.load_registry().config("loss", NAME, settings).build()


def stripes(height: float) -> torch.Tensor:
    """Half of the pixels are at 0.1 + height, half at 0.1 - height: contrast = height."""
    images = torch.full((1, 3, 4, 4), 0.1)
    images[..., ::2] += height
    images[..., 1::2] -= height
    return images


@pytest.mark.parametrize(("share", "expected"), [(1.0, 0.3), (0.5, 0.05)])
def test_it_is_the_difference_of_the_contrasts(share: float, expected: float) -> None:
    distance = loss(share=share).distance(stripes(0.2), stripes(0.5))

    assert distance.item() == pytest.approx(expected)


def test_brightness_does_not_matter() -> None:
    assert loss().distance(stripes(0.2) + 0.4, stripes(0.2)).item() < 1e-6
