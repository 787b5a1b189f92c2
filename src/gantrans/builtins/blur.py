"""Antialiased sampling (Zhang 2019): blur before pixels are left out, and after they are put in.

With stride 2 alone, what is finer than two pixels of the result comes back as a coarse pattern
that changes when the image moves by a pixel. Generators and discriminators share what is here.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

Downsample = Annotated[
    Literal["stride", "blur"],
    Field(
        description="how size is halved: by the stride of a convolution, or by a convolution of "
        "stride 1 and a blur that keeps every other pixel, which is antialiased (CUT)"
    ),
]


class BlurDownsample(nn.Module):
    """Halves height and width: (N, C, H, W) -> (N, C, H / 2, W / 2), rounded up; H and W from 2 on.

    Each channel apart, by [1, 2, 1] / 4 along both sides, with the image reflected at its border.
    """

    taps: Tensor

    def __init__(self) -> None:
        super().__init__()
        # No weight: a saved network does not hold it.
        self.register_buffer("taps", torch.tensor([1.0, 2.0, 1.0]) / 4, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H / 2, W / 2), rounded up."""
        wider = F.pad(x, (1, 1, 1, 1), mode="reflect")
        channels = x.shape[1]
        return F.conv2d(wider, _filters(self.taps, channels), stride=2, groups=channels)


class BlurUpsample(nn.Module):
    """Doubles height and width: (N, C, H, W) -> (N, C, 2H, 2W).

    Zeros between the pixels, then [1, 3, 3, 1] / 4 along both sides, each channel apart; beyond the
    border the outermost pixels go on. Its values are those of bilinear interpolation.
    """

    taps: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("taps", torch.tensor([1.0, 3.0, 3.0, 1.0]) / 4, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, 2H, 2W)."""
        wider = F.pad(x, (1, 1, 1, 1), mode="replicate")
        # 2 (H + 2 - 1) - 2 padding + 4 is 2H; what is cut off is of the padded pixels alone.
        channels = x.shape[1]
        return F.conv_transpose2d(
            wider, _filters(self.taps, channels), stride=2, padding=3, groups=channels
        )


def _filters(taps: Tensor, channels: int) -> Tensor:
    """The same filter for each channel: (channels, 1, k, k)."""
    return torch.outer(taps, taps).expand(channels, 1, -1, -1)
