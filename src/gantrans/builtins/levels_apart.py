"""How far two images are apart, in levels of 8 bits: what the metrics `l1` and `cycle` measure."""

from __future__ import annotations

from torch import Tensor

LEVELS = 127.5
"""Levels of 8 bits in a difference of 1: images are in [-1, 1]."""


def levels_apart(x: Tensor, y: Tensor) -> Tensor:
    """Mean absolute difference of each image: two (N, C, H, W) in [-1, 1] -> (N,), 0 to 255."""
    # On the CPU, since not every device knows float64.
    return LEVELS * (x.cpu().double() - y.cpu().double()).abs().mean(dim=(1, 2, 3))
