"""The Laplacian pyramid (Burt & Adelson 1983): an image as details at several sizes, and a rest."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def laplacian_pyramid(images: Tensor, levels: int) -> list[Tensor]:
    """(N, C, H, W) -> `levels` tensors, the finest first, each half as large (rounded up).

    Each holds what its smaller neighbour, enlarged, lacks of the image at that size; the last is
    the image at the smallest size. Added up again from there they give the image.
    """
    details = []
    for _ in range(levels - 1):
        smaller = _filtered(images)[..., ::2, ::2]
        details.append(images - _enlarged(smaller, like=images))
        images = smaller
    return [*details, images]


def _enlarged(smaller: Tensor, like: Tensor) -> Tensor:
    spread = torch.zeros_like(like)
    spread[..., ::2, ::2] = smaller
    return 4 * _filtered(spread)


def _filtered(images: Tensor) -> Tensor:
    """By 1 4 6 4 1 in each direction; of the same size: mirrored at the borders."""
    images = F.pad(images, (2, 2, 2, 2), mode="reflect")
    for axis in (2, 3):  # sums of slices are several times as fast as a convolution on a CPU
        a, b, c, d, e = (images.narrow(axis, at, images.shape[axis] - 4) for at in range(5))
        images = (a + e + 4 * (b + d) + 6 * c) / 16
    return images
