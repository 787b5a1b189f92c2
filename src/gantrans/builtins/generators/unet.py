"""The generator of pix2pix (Isola et al. 2017, section 6.1.1; after Ronneberger et al. 2015)."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from gantrans.api.generator import Generator, GeneratorConfig
from gantrans.api.normalizer import Normalizer, NormalizerSlot
from gantrans.builtins.generators.upsampling import Upsample, doubled

FULL = 5
"""The first level that is eight times the width both above and below."""


class UNet(Generator):
    """pix2pix's U-Net: halved down to a few pixels and doubled back, with skips across.

    The presets are named after the side of the images that they halve to one pixel. 54,409,603
    parameters at width 64 with eight halvings and instance norm, 3 -> 3 channels.
    """

    name = "unet"
    presets = {"128": {"depth": 7}, "256": {"depth": 8}}

    class Config(GeneratorConfig):
        """Settings."""

        width: int = Field(64, ge=1, description="channels after the first halving")
        depth: int = Field(
            8,
            ge=2,
            description="how often height and width are halved; they must be multiples of 2^depth",
        )
        norm: NormalizerSlot = Field(
            "instance", validate_default=True, description="normalisation of the inner layers"
        )
        dropout: float = Field(
            0.0,
            ge=0,
            lt=1,
            description="share of activations dropped after the doublings of full width (8 x "
            "width), all but the last of them: depth - 5 times; pix2pix: 0.5",
        )
        upsample: Upsample = "transpose"

    config: Config

    def __init__(self, config: Config, *, in_channels: int, out_channels: int) -> None:
        super().__init__(config, in_channels=in_channels, out_channels=out_channels)
        norm: Normalizer = config.norm.build()
        self.couples_batch = norm.couples_batch
        # One pixel is left of an image of this size, and that layer is the one without norm.
        self.multiple_of = self.min_size = 2**config.depth
        bias = not norm.cancels_bias
        channels = [in_channels, *(config.width * min(2**n, 8) for n in range(config.depth))]

        down, up = nn.ModuleList(), nn.ModuleList()
        for level in range(1, config.depth + 1):
            outermost, innermost = level == 1, level == config.depth
            above, below = channels[level - 1], channels[level]
            down.append(
                nn.Sequential(
                    *([] if outermost else [nn.LeakyReLU(0.2)]),
                    nn.Conv2d(above, below, 4, stride=2, padding=1, bias=bias),
                    *([] if outermost or innermost else [norm.layer(below)]),
                )
            )
            given = below if innermost else 2 * below
            back = out_channels if outermost else above
            double = doubled(given, back, config.upsample, kernel=4, bias=bias or outermost)
            drops = config.dropout and level > FULL
            up.append(
                nn.Sequential(
                    nn.ReLU(inplace=True),
                    *double,
                    *([nn.Tanh()] if outermost else [norm.layer(above)]),
                    *([nn.Dropout(config.dropout)] if drops else []),
                )
            )
        self.down, self.up = down, up

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) in [-1, 1] -> (N, out_channels, H, W) in (-1, 1)."""
        skips: list[Tensor] = []
        for down in self.down:
            x = down(x)
            skips.append(x)
        y = skips.pop()
        for up in reversed(self.up):
            y = up(y)
            if skips:
                y = torch.cat([skips.pop(), y], dim=1)
        return y
