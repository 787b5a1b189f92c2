"""The generator of pix2pix (Isola et al. 2017, section 6.1.1; after Ronneberger et al. 2015)."""

from __future__ import annotations

from collections.abc import Collection

import torch
from pydantic import Field
from torch import Tensor, nn

from gantrans.api.generator import Generator, GeneratorConfig
from gantrans.api.normalizer import Normalizer, NormalizerSlot
from gantrans.builtins.generators.encoder import asked_of
from gantrans.builtins.generators.upsampling import Upsample, doubled

FULL = 5
"""The first level that is eight times the width both above and below."""


class UNet(Generator):
    """pix2pix's U-Net: halved down to a few pixels and doubled back, with skips across.

    The presets "128" and "256" are named after the side of the images that they halve to one pixel;
    "pix2pix" is the paper's own network. 54,409,603 parameters at width 64 with eight halvings and
    instance norm, 3 -> 3 channels.

    Its encoder's layers are "image", and "down1", "down2", ...: the convolutions that halve, before
    norm.
    """

    name = "unet"
    presets = {
        "128": {"depth": 7},
        "256": {"depth": 8},
        "pix2pix": {"depth": 8, "norm": "batch", "dropout": 0.5},
    }

    class Config(GeneratorConfig):
        """Settings."""

        width: int = Field(64, ge=1, description="channels after the first halving")
        depth: int = Field(
            8,
            ge=2,
            le=20,  # a million pixels of a side become one
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
        channels = [in_channels, *(config.width * 2 ** min(n, 3) for n in range(config.depth))]

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
                    nn.ReLU(inplace=not innermost),  # what the innermost gets may be a feature
                    *double,
                    *([nn.Tanh()] if outermost else [norm.layer(above)]),
                    *([nn.Dropout(config.dropout)] if drops else []),
                )
            )
        self.down, self.up = down, up

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) in [-1, 1] -> (N, out_channels, H, W) in (-1, 1)."""
        y, _ = self.forward_with_features(x, ())
        return y

    def encoder_layers(self) -> tuple[str, ...]:
        """The names from "image" to that of the last halving."""
        return "image", *(f"down{level}" for level in range(1, self.config.depth + 1))

    def encoder_features(self, x: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """(N, in_channels, H, W) -> (N, c, h, w) for each of `layers`."""
        _, features = self._halve(x, asked_of(self, layers), to_the_end=False)
        return features

    def forward_with_features(
        self, x: Tensor, layers: Collection[str]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The translation, and the features that were met on the way down."""
        skips, features = self._halve(x, asked_of(self, layers), to_the_end=True)
        y = skips.pop()
        for up in reversed(self.up):
            y = up(y)
            if skips:
                y = torch.cat([skips.pop(), y], dim=1)
        return y, features

    def _halve(
        self, x: Tensor, asked: Collection[str], *, to_the_end: bool
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """What each level hands across, and the features asked for; or no more than these."""
        skips: list[Tensor] = []
        features = {"image": x} if "image" in asked else {}
        for level, down in enumerate(self.down, start=1):
            for layer in down.children():
                if len(features) == len(asked) and not to_the_end:
                    return skips, features
                x = layer(x)
                if isinstance(layer, nn.Conv2d) and f"down{level}" in asked:
                    features[f"down{level}"] = x
            skips.append(x)
        return skips, features
