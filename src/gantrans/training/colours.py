"""Colours of training images: brightness, contrast, saturation, hue; each image has its factors.

The formulas are those of torchvision's `adjust_brightness` and so on, which take one for all.
"""

from __future__ import annotations

import torch
from torch import Tensor

LUMA = (0.2989, 0.587, 0.114)
"""ITU-R BT.601, as torchvision rounds it."""


def vary_colours(images: Tensor, factors: Tensor) -> Tensor:
    """Brightness, contrast, saturation and hue, in this order.

    Args:
        images: (N, 1 or 3, H, W) in [-1, 1]; gray ones have neither saturation nor hue.
        factors: (N, 4): the factors of the first three, and the turn of the hue in full circles.
    """
    brightness, contrast, saturation, turn = factors[:, :, None, None, None].unbind(1)
    x = (images + 1) / 2
    x = (x * brightness).clamp(0, 1)
    x = _mixed(x, _luma(x).mean(dim=(1, 2, 3), keepdim=True), contrast)
    if x.shape[1] == 3:
        x = _turn_hue(_mixed(x, _luma(x), saturation), turn[:, 0])
    return (2 * x - 1).clamp(-1, 1)


def _mixed(x: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    return (x * factor + other * (1 - factor)).clamp(0, 1)


def _luma(x: Tensor) -> Tensor:
    """(N, 1, H, W)."""
    if x.shape[1] == 1:
        return x
    return sum(
        (weight * x[:, i : i + 1] for i, weight in enumerate(LUMA)), torch.zeros_like(x[:, :1])
    )


def _turn_hue(x: Tensor, turn: Tensor) -> Tensor:
    """Turn the hue of (N, 3, H, W) in [0, 1] by `turn` (N, 1, 1) full circles.

    In HSV, with the hue h in sixths of a circle: a channel is V - C max(0, min(k, 4 - k, 1)), where
    k = (n + h) mod 6 with n = 5, 3, 1 for red, green, blue, V is the value and C the chroma.
    """
    red, green, blue = x.unbind(1)
    value = x.amax(1)
    chroma = value - x.amin(1)
    some = torch.where(chroma == 0, torch.ones_like(chroma), chroma)  # gray has no hue
    hue = torch.where(
        value == red,
        (green - blue) / some,
        torch.where(value == green, 2 + (blue - red) / some, 4 + (red - green) / some),
    )
    hue = hue + 6 * turn

    def channel(n: int) -> Tensor:
        k = (n + hue).remainder(6)
        return value - chroma * torch.minimum(k, 4 - k).clamp(0, 1)

    return torch.stack([channel(5), channel(3), channel(1)], dim=1)
