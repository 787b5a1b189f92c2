from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gantrans.builtins.laplacian_pyramid import laplacian_pyramid

WEIGHTS = [1, 4, 6, 4, 1]


def filtered(image: list[list[float]], factor: float = 1.0) -> list[list[float]]:
    """Burt & Adelson's filter, pixel by pixel; pixel -1 is pixel 1."""
    height, width = len(image), len(image[0])

    def mirrored(at: int, size: int) -> int:
        at = abs(at)
        return at if at < size else 2 * (size - 1) - at

    return [
        [
            factor
            / 256
            * sum(
                WEIGHTS[i]
                * WEIGHTS[j]
                * image[mirrored(y + i - 2, height)][mirrored(x + j - 2, width)]
                for i in range(5)
                for j in range(5)
            )
            for x in range(width)
        ]
        for y in range(height)
    ]


def plain(image: Tensor, levels: int) -> list[Tensor]:
    """The pyramid of (H, W), as the authors of the distance write it."""
    pyramid = [image]
    for _ in range(levels - 1):
        large = pyramid[-1]
        small = torch.tensor(filtered(large.tolist()), dtype=torch.float64)[::2, ::2]
        spread = torch.zeros_like(large)
        spread[::2, ::2] = small
        pyramid[-1] = large - torch.tensor(filtered(spread.tolist(), 4.0), dtype=torch.float64)
        pyramid.append(small)
    return pyramid


@pytest.mark.parametrize(("height", "width"), [(16, 16), (15, 22)])
def test_it_is_the_pyramid_of_the_paper(height: int, width: int) -> None:
    stream = torch.Generator().manual_seed(0)
    images = torch.rand(2, 3, height, width, generator=stream, dtype=torch.float64)

    found = laplacian_pyramid(images, 3)

    for level, expected in enumerate(plain(images[1, 2], 3)):
        assert torch.allclose(found[level][1, 2], expected, atol=1e-12)


def test_an_even_image_has_no_details_and_one_level_is_the_image() -> None:
    even = torch.full((1, 1, 16, 16), 0.3)
    [details, rest] = laplacian_pyramid(even, 2)
    assert details[..., 2:-2, 2:-2].abs().max() < 1e-6
    assert torch.allclose(rest, torch.full((1, 1, 8, 8), 0.3))
    assert torch.equal(laplacian_pyramid(even, 1)[0], even)
