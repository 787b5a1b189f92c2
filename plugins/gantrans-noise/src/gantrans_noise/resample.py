"""Doubling and halving with the filter [1, 3, 3, 1] in both directions, as StyleGAN2 does.

At the border the outermost pixels go on, so that a constant image stays constant everywhere.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def double(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C, 2 H, 2 W).

    Between the pixels' centres bilinear interpolation is that filter: 3/4 of the nearer pixel and
    1/4 of the other one.
    """
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class Halve(nn.Module):
    """The mean of 4 x 4 pixels, by the filter, at every second place in both directions."""

    def __init__(self) -> None:
        super().__init__()
        row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.register_buffer("filter", torch.outer(row, row), persistent=False)
        self.filter: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H // 2, W // 2); both sides must have 2 pixels."""
        channels = x.shape[1]
        around = F.pad(x, (1, 1, 1, 1), mode="replicate")
        kernel = self.filter.to(x.dtype).expand(channels, 1, 4, 4)
        return F.conv2d(around, kernel, stride=2, groups=channels)
