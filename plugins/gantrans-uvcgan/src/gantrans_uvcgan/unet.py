"""The U-Net of UVCGAN: levels that halve the image, a bottleneck, levels that double it again."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gantrans.api.normalizer import Normalizer
from gantrans.api.recompute import may_run_twice, recomputed


class UNet(nn.Module):
    """Encoder, bottleneck, decoder; each level of the decoder sees that of the encoder.

    Args:
        in_channels: of the image it reads.
        out_channels: of the image it writes.
        widths: channels of the levels, from full resolution downwards; each halves the image.
        norm: makes the normalisation in front of each convolution of a level.
        bottleneck: works at the lowest resolution, on widths[-1] channels, and keeps the shape; its
            `forward` takes `recompute` too.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        widths: Sequence[int],
        norm: Normalizer,
        bottleneck: nn.Module,
    ) -> None:
        super().__init__()
        above = [widths[0], *widths[:-1]]  # what a level gets from the one above, and gives back
        levels = list(zip(above, widths, strict=True))
        self.enter = nn.Sequential(nn.Conv2d(in_channels, widths[0], 3, padding=1), nn.LeakyReLU())
        self.encoder = nn.ModuleList(Down(outer, width, norm) for outer, width in levels)
        self.bottleneck = bottleneck
        self.decoder = nn.ModuleList(Up(width, outer, norm) for outer, width in reversed(levels))
        self.leave = nn.Conv2d(widths[0], out_channels, 1)

    @property
    def recomputes(self) -> bool:
        """Whether what is inside of its levels can be computed twice."""
        return may_run_twice([self.encoder, self.decoder])

    def forward(self, x: Tensor, recompute: bool = False) -> Tensor:
        """(N, in_channels, H, W) -> (N, out_channels, H, W); 2 ** levels divides H and W."""
        y: Tensor = self.enter(x)
        skips: list[Tensor] = []
        for level in self.encoder:
            skip, y = level(y, recompute)
            skips.append(skip)
        y = self.bottleneck(y, recompute)
        for level in self.decoder:
            y = level(y, skips.pop(), recompute)
        y = self.leave(y)
        return y


class Down(nn.Module):
    """Two convolutions, whose result is the skip; then half the height and width."""

    def __init__(self, channels: int, width: int, norm: Normalizer) -> None:
        super().__init__()
        self.convolve = convolutions(channels, width, width, norm)
        self.downsample = nn.Conv2d(width, width, 2, stride=2)

    def forward(self, x: Tensor, recompute: bool = False) -> tuple[Tensor, Tensor]:
        """(N, channels, H, W) -> the skip (N, width, H, W), and (N, width, H/2, W/2) to go on."""
        skip = recomputed(self.convolve, x, recompute)
        return skip, self.downsample(skip)


class Up(nn.Module):
    """Double the height and width; two convolutions of that beside the skip."""

    def __init__(self, width: int, channels: int, norm: Normalizer) -> None:
        super().__init__()
        self.upsample = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(width, width, 3, padding=1)
        )
        self.convolve = convolutions(2 * width, width, channels, norm)

    def forward(self, x: Tensor, skip: Tensor, recompute: bool = False) -> Tensor:
        """(N, width, H/2, W/2) and the skip (N, width, H, W) -> (N, channels, H, W)."""
        both = torch.cat((self.upsample(x), skip), dim=1)
        return recomputed(self.convolve, both, recompute)


def convolutions(channels: int, width: int, out: int, norm: Normalizer) -> nn.Sequential:
    """Norm, 3x3 convolution, LeakyReLU; twice.

    The norm stands in front, so it cancels no bias of the convolution that follows.
    """
    return nn.Sequential(
        norm.layer(channels),
        nn.Conv2d(channels, width, 3, padding=1),
        nn.LeakyReLU(),
        norm.layer(width),
        nn.Conv2d(width, out, 3, padding=1),
        nn.LeakyReLU(),
    )
