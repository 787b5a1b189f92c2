from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gantrans_noise.resample import Halve, double


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def filtered(image: Tensor) -> Tensor:
    """[1, 3, 3, 1] / 8 in both directions, at every place where it fits."""
    row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    return F.conv2d(image, torch.outer(row, row)[None, None])


def test_doubling_is_the_filter_on_pixels_with_zeros_between() -> None:
    x = noise(1, 1, 5, 7)
    stuffed = torch.zeros(1, 1, 10, 14)
    stuffed[..., ::2, ::2] = 4 * x  # four times, for three of four are zeros

    inner = double(x)[..., 2:9, 2:13]  # where the filter fits

    torch.testing.assert_close(inner, filtered(stuffed))
    torch.testing.assert_close(double(torch.ones(1, 2, 3, 4)), torch.ones(1, 2, 6, 8))


@pytest.mark.parametrize(("height", "width"), [(6, 8), (7, 5), (2, 2)])
def test_halving_is_the_filter_at_every_second_place(height: int, width: int) -> None:
    x = noise(1, 1, height, width)
    wanted = filtered(F.pad(x, (1, 1, 1, 1), mode="replicate"))[..., ::2, ::2]

    found = Halve()(x)

    assert found.shape[2:] == (height // 2, width // 2)
    torch.testing.assert_close(found, wanted[..., : height // 2, : width // 2])


def test_halving_keeps_channels_apart_and_constants_constant() -> None:
    x = noise(2, 3, 6, 6)
    halve = Halve()

    apart = torch.cat([halve(x[:, n : n + 1]) for n in range(3)], dim=1)

    torch.testing.assert_close(halve(x), apart)
    torch.testing.assert_close(halve(torch.ones(1, 2, 4, 6)), torch.ones(1, 2, 2, 3))


def test_the_filter_is_no_weight() -> None:
    assert not list(Halve().parameters())
    assert not Halve().state_dict()
