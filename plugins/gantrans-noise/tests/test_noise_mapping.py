from __future__ import annotations

import torch
from torch import Tensor

from gantrans_noise.mapping import Mapping, pixel_norm


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_pixel_norm_makes_the_mean_square_of_each_row_one() -> None:
    z = 7 * noise(5, 64)

    normed = pixel_norm(z)

    torch.testing.assert_close(normed.square().mean(1), torch.ones(5))
    torch.testing.assert_close(normed, z / (z.norm(dim=1, keepdim=True) / 8))


def test_only_the_direction_of_z_counts() -> None:
    torch.manual_seed(0)
    mapping, z = Mapping(16, 3), noise(4, 16)

    torch.testing.assert_close(mapping(z), mapping(5 * z))


def test_the_mapping_is_its_layers_with_leaky_relu_between() -> None:
    torch.manual_seed(0)
    mapping, z = Mapping(9, 2), noise(4, 9)
    w = z / z.square().mean(1, keepdim=True).sqrt()
    for layer in mapping.layers:
        w = w @ (layer.weight * 0.01 / 3).T + 0.01 * layer.bias
        w = torch.where(w > 0, w, 0.2 * w) * 2**0.5

    torch.testing.assert_close(mapping(z), w)


def test_styles_are_not_rounded_in_mixed_precision() -> None:
    mapping, z = Mapping(16, 3), noise(4, 16)

    with torch.autocast("cpu", torch.bfloat16):
        mixed = mapping(z)

    assert torch.equal(mixed, mapping(z))
