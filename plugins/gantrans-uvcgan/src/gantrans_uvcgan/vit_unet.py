"""The generator of UVCGAN (Torbunov et al. 2023, "UVCGAN: UNet Vision Transformer ...", WACV)."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field, model_validator
from torch import Tensor

from gantrans.api.generator import Generator, GeneratorConfig
from gantrans.api.normalizer import Normalizer, NormalizerSlot
from gantrans_uvcgan.unet import UNet
from gantrans_uvcgan.vit import PixelwiseViT

Channels = Annotated[int, Field(ge=1)]


class ViTUNet(Generator):
    """UVCGAN's generator: a U-Net with a vision transformer at its bottom.

    After the paper's section on the generator, with the sizes and layers of its authors' released
    code: four levels, then twelve transformer blocks on a grid of 1/16 of the image's height and
    width. Convolutions see textures, attention sees the whole image. 31,360,239 parameters with the
    defaults, 3 -> 3 channels.

    Attention compares each pixel of the grid with each: time and, without a fused kernel, memory
    grow with the fourth power of the image's side.

    Weights start from the spec's `[init]`; its default, normal(0, 0.02), is what the authors use.
    The transformer's gates start at 0, so the weights behind them get no gradient in the very first
    step.
    """

    name = "vit_unet"

    presets = {
        "paper": {},  # the defaults are the paper's
        "small": {
            "widths": [16, 32, 64],
            "features": 64,
            "heads": 4,
            "blocks": 4,
            "ffn_features": 256,
            "embed_features": 64,
        },
    }

    class Config(GeneratorConfig):
        """Settings."""

        widths: tuple[Channels, ...] = Field(
            (48, 96, 192, 384),
            min_length=1,
            description="channels of the U-Net's levels, from full resolution downwards; each "
            "level halves height and width",
        )
        norm: NormalizerSlot = Field(
            "instance",
            validate_default=True,
            description="normalisation before each convolution of a level",
        )
        features: int = Field(384, ge=1, description="width of a token in the transformer")
        heads: int = Field(6, ge=1, description="attention heads; they divide `features`")
        blocks: int = Field(12, ge=0, le=256, description="transformer blocks")
        ffn_features: int = Field(
            1536, ge=1, description="hidden width of a block's network on single tokens"
        )
        embed_features: int = Field(384, ge=1, description="Fourier features of a token's position")

        @model_validator(mode="after")
        def _heads_share_the_features(self) -> ViTUNet.Config:
            if self.features % self.heads:
                fitting = [n for n in range(1, self.features + 1) if self.features % n == 0]
                nearest = min(fitting, key=lambda n: abs(n - self.heads))
                raise ValueError(
                    f"heads = {self.heads} does not divide features = {self.features}: "
                    f"the nearest number of heads that does is {nearest}"
                )
            return self

    config: Config

    def __init__(self, config: Config, *, in_channels: int, out_channels: int) -> None:
        super().__init__(config, in_channels=in_channels, out_channels=out_channels)
        norm: Normalizer = config.norm.build()
        self.couples_batch = norm.couples_batch
        self.multiple_of = 2 ** len(config.widths)
        self.min_size = 2 * self.multiple_of  # a grid of 2 x 2: one token has nothing to attend to
        self.unet = UNet(
            in_channels,
            out_channels,
            widths=config.widths,
            norm=norm,
            bottleneck=PixelwiseViT(
                config.widths[-1],
                features=config.features,
                heads=config.heads,
                blocks=config.blocks,
                ffn_features=config.ffn_features,
                embed_features=config.embed_features,
            ),
        )
        self.recomputes = self.unet.recomputes

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) in [-1, 1] -> (N, out_channels, H, W) in [-1, 1].

        Inside, as in the paper, images are in [0, 1]: the zeros around a convolution are black, and
        a sigmoid ends the network. Scaled to [-1, 1] that is 2 sigmoid(y) - 1 = tanh(y / 2), which
        keeps its digits around 0 in bfloat16.
        """
        y: Tensor = self.unet((x + 1) / 2, self.recompute)
        return torch.tanh(y / 2)
